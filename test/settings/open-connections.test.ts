/** What a change leaves alone: connections that are open, whatever happens to the port they came in by. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { RawArguments } from '../../src/management/binding.ts';
import { IMAP_ANSWER, LINE, say, SettingsStage, SMTP_REPLY } from './stage.ts';
import type { Talk } from './talk.ts';

let stage: SettingsStage;
before(async () => {
  stage = await SettingsStage.open();
});
after(() => stage.close());

interface Row {
  readonly what: string;
  readonly change: readonly [noun: string, name: string, identity?: string];
  readonly port: () => number;
  readonly open: () => Promise<Talk>;
  readonly goesOn: (talk: Talk) => Promise<string>;
}

const imapNoop = (talk: Talk): Promise<string> => say(talk, 'a NOOP', IMAP_ANSWER, /^a OK/m);
const smtpNoop = (talk: Talk): Promise<string> => say(talk, 'NOOP', SMTP_REPLY, /^250/);

async function greeted(port: number): Promise<Talk> {
  const talk = await stage.talk(port);
  await talk.until(LINE);
  return talk;
}

const ROWS: readonly Row[] = [
  {
    what: 'IMAP4, logged on',
    change: ['ImapSettings', 'SSLBindings'],
    port: () => stage.organization.imap.tls,
    open: () => stage.imap(),
    goesOn: imapNoop,
  },
  {
    what: 'IMAP4, before the logon',
    change: ['ImapSettings', 'UnencryptedOrTLSBindings'],
    port: () => stage.organization.imap.plain,
    open: () => greeted(stage.organization.imap.plain),
    goesOn: imapNoop,
  },
  {
    what: 'POP3, logged on',
    change: ['PopSettings', 'SSLBindings'],
    port: () => stage.organization.pop3.tls,
    open: () => stage.pop(),
    goesOn: (talk) => say(talk, 'NOOP', LINE, /^\+OK/),
  },
  {
    what: 'SMTP',
    change: ['ReceiveConnector', 'Bindings', 'Client Frontend TEST'],
    port: () => stage.organization.smtp.submission,
    open: () => greeted(stage.organization.smtp.submission),
    goesOn: smtpNoop,
  },
];

for (const { what, change, port, open, goesOn } of ROWS) {
  const [noun, name, connector] = change;
  test(`${what}: a connection of a binding that closes lives on, and the port opens again`, async () => {
    const identity: RawArguments = connector === undefined ? {} : { Identity: connector };
    const talk = await open();
    const bindings = await stage.get(noun, identity, name);
    // A connector keeps at least one binding; the settings of a protocol may have none.
    const elsewhere = connector === undefined ? null : `127.0.0.1:${stage.furtherPort}`;
    await stage.set(noun, identity, name, elsewhere);
    assert.equal(await stage.greeting(port()), 'refused');
    await goesOn(talk);
    await stage.set(noun, identity, name, bindings);
    const again = await stage.talk(port());
    await again.close();
    await goesOn(talk);
    await stage.everybodyLeaves();
  });
}

test('a rate and a protocol log of a connector count in sessions that are open already', async () => {
  const inbound = { Identity: 'Default Frontend TEST' };
  const talk = await stage.smtp();
  await say(talk, 'MAIL FROM:<a@b.example>', SMTP_REPLY, /^250/);
  await say(talk, 'RSET', SMTP_REPLY);
  await stage.set('ReceiveConnector', inbound, 'MessageRateLimit', 1);
  await say(talk, 'MAIL FROM:<a@b.example>', SMTP_REPLY, /^250/);
  await say(talk, 'RSET', SMTP_REPLY);
  await say(talk, 'MAIL FROM:<a@b.example>', SMTP_REPLY, /^451 4\.7\.0 .*MessageRateLimit/);
  await stage.set('ReceiveConnector', inbound, 'MessageRateLimit', 'unlimited');
  await say(talk, 'MAIL FROM:<a@b.example>', SMTP_REPLY, /^250/);
  await stage.everybodyLeaves();
});

for (const [noun, port, begin] of [
  ['PopSettings', () => stage.organization.pop3.plain, 'CAPA'],
  ['ImapSettings', () => stage.organization.imap.plain, 'a CAPABILITY'],
] as const) {
  test(`${noun}: a lower MaxConnections ends nobody who is in`, async () => {
    const talks = [await greeted(port()), await greeted(port())];
    await stage.set(noun, {}, 'MaxConnections', 1);
    for (const talk of talks) await say(talk, begin, /\r\n(?:\.|a OK.*)\r\n$/);
    assert.match(await stage.greeting(port()), /MaxConnections/);
    await stage.set(noun, {}, 'MaxConnections', 1000);
    assert.match(await stage.greeting(port()), /OK/);
    await stage.everybodyLeaves();
  });
}
