/**
 * Limits that an admin sets, against one who means harm: floods from one address leave others their places, who says
 * nothing is sent away also in the middle of a handshake, who is turned off learns nothing without the password.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { IMAP_ANSWER, LINE, say, SettingsStage } from '../settings/stage.ts';
import { Talk } from '../settings/talk.ts';

const FLOOD = 100;
const PLACES = 5;

let stage: SettingsStage;
before(async () => {
  stage = await SettingsStage.open();
});
after(() => stage.close());

/** Loopback has many addresses: each is another client. */
async function from(localAddress: string, port: number): Promise<Talk> {
  const socket = connect({ port, host: stage.organization.host, localAddress });
  await once(socket, 'connect');
  return new Talk(socket);
}

for (const { noun, identity, name, port } of [
  {
    noun: 'ImapSettings',
    identity: {},
    name: 'MaxConnectionFromSingleIP',
    port: () => stage.organization.imap.plain,
  },
  { noun: 'PopSettings', identity: {}, name: 'MaxConnectionFromSingleIP', port: () => stage.organization.pop3.plain },
  {
    noun: 'ReceiveConnector',
    identity: { Identity: 'Default Frontend TEST' },
    name: 'MaxInboundConnectionPerSource',
    port: () => stage.organization.smtp.inbound,
  },
]) {
  test(`${noun}: a flood from one address takes ${PLACES} places and no more, others come in`, async () => {
    await stage.set(noun, identity, name, PLACES);
    const flood = await Promise.all(Array.from({ length: FLOOD }, () => from('127.0.0.66', port())));
    const greetings = await Promise.all(flood.map((talk) => talk.until(LINE)));
    const admitted = greetings.filter((text) => /\bready\b/.test(text));
    assert.equal(admitted.length, PLACES);
    assert.equal(greetings.filter((text) => text.includes(name)).length, FLOOD - PLACES, 'the others hear why');
    const honest = await from('127.0.0.67', port());
    assert.match(await honest.until(LINE), /\bready\b/);
    for (const talk of [...flood, honest]) await talk.close();
    // Places are given back: the same address may come again.
    const again = await from('127.0.0.66', port());
    assert.match(await again.until(LINE), /\bready\b/);
    await again.close();
    await stage.set(noun, identity, name, noun === 'ReceiveConnector' ? 'unlimited' : 2_147_483_647);
  });
}

for (const [what, noun, identity, name, port] of [
  ['IMAP4', 'ImapSettings', {}, 'PreAuthenticatedConnectionTimeout', () => stage.organization.imap.tls],
  ['POP3', 'PopSettings', {}, 'PreAuthenticatedConnectionTimeout', () => stage.organization.pop3.tls],
  [
    'SMTP',
    'ReceiveConnector',
    { Identity: 'Client Frontend TEST' },
    'ConnectionInactivityTimeout',
    () => stage.organization.smtp.submissions,
  ],
] as const) {
  test(`${what}: who opens a TLS port and never begins the handshake is cut off by ${name}`, async () => {
    await stage.set(noun, identity, name, '00:00:31');
    const talk = await from('127.0.0.66', port());
    // Whoever comes second is accepted second: the deadline that was set last belongs to it or to the first.
    const second = await from('127.0.0.66', port());
    talk.send('\x16');
    second.send('\x16');
    await stage.run('Get-ImapSettings');
    assert.equal(stage.deadline.ms, 31_000);
    stage.expire();
    const ended = await Promise.race([talk.rest(), second.rest()]);
    assert.equal(ended, 'CLOSED');
    await Promise.all([talk.close(), second.close()]);
  });
}

test('a protocol that is turned off tells so only to who has the password', async () => {
  const { alice } = stage;
  await stage.set('CASMailbox', { Identity: alice.address }, 'ImapEnabled', false);
  const talk = await stage.talkTls(stage.organization.imap.tls);
  await talk.until(LINE);
  const unknown = await say(talk, `a LOGIN nobody@example.test wrong`, IMAP_ANSWER);
  const wrong = await say(talk, `a LOGIN ${alice.address} wrong`, IMAP_ANSWER);
  assert.equal(wrong, unknown);
  const right = await say(talk, `a LOGIN ${alice.address} "${alice.password}"`, IMAP_ANSWER);
  assert.notEqual(right, unknown);
  assert.match(right, /^a NO /);
  await stage.set('CASMailbox', { Identity: alice.address }, 'ImapEnabled', true);
  await stage.everybodyLeaves();
});

test('text of an admin cannot break the protocol: no line ends in banners, and none without its code', async () => {
  for (const [noun, identity, banner] of [
    ['PopSettings', {}, 'hello\r\n+OK logged on'],
    ['ImapSettings', {}, 'hello\r\n* BYE'],
    ['ReceiveConnector', { Identity: 'Default Frontend TEST' }, '220 hello\r\n554 no'],
    ['ReceiveConnector', { Identity: 'Default Frontend TEST' }, '554 closed'],
  ] as const) {
    await assert.rejects(stage.set(noun, identity, 'Banner', banner), /Banner must be/);
  }
});
