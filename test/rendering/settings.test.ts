/**
 * The settings on a running server, in the clients' own words: what IMAP and POP3 say of a message agrees under
 * MessageRetrievalMimeFormat and CalendarItemRetrievalOption, for the server and for one mailbox, without restart.
 */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { calendarItemId } from '../../src/message/render/icalendar.ts';
import { Pop3Client } from '../dialogues/pop3/client.ts';
import { startOrganization, type TestOrganization, type TestUser } from '../support/organization.ts';
import { RawImap } from '../support/raw-imap.ts';

const ICS =
  'BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:lunch-1\r\nSUMMARY:Lunch\r\nEND:VEVENT\r\nEND:VCALENDAR';
const HTML = Buffer.from(
  'From: a@example.org\r\nSubject: rich\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Hello <b>you</b></p>\r\n',
);
const INVITATION = Buffer.from(
  `From: a@example.org\r\nSubject: lunch\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nLunch?\r\n--b\r\nContent-Type: text/calendar; method=REQUEST; charset=utf-8\r\n\r\n${ICS}\r\n--b--\r\n`,
);

describe('rendering settings on a running server', () => {
  let organization: TestOrganization;
  let alice: TestUser;

  before(async () => {
    organization = await startOrganization({
      engine: 'memory',
      prepare: async (directory, server) => {
        await directory.setPopSettings(server.id, { loginType: 'PlainTextLogin' });
        await directory.setImapSettings(server.id, { loginType: 'PlainTextLogin' });
      },
    });
    alice = organization.user(0);
    const imap = await logon();
    for (const message of [HTML, INVITATION]) assert.match((await imap.command('APPEND INBOX', message)).status, /^OK/);
    imap.socket.destroy();
  });
  after(() => organization.stop());

  async function logon(user = alice): Promise<RawImap> {
    const socket = net.connect(organization.imap.plain, organization.host);
    await once(socket, 'connect');
    const imap = await RawImap.greeted(socket);
    const { status } = await imap.command(`LOGIN ${user.address} "${user.password}"`);
    assert.match(status, /^OK/);
    return imap;
  }

  async function pop(user = alice): Promise<Pop3Client> {
    const socket = net.connect(organization.pop3.plain, organization.host);
    await once(socket, 'connect');
    const client = new Pop3Client(socket);
    await client.line();
    await client.command(`USER ${user.address}`);
    assert.match(await client.command(`PASS ${user.password}`), /^\+OK/);
    return client;
  }

  /** `* n FETCH (…)` with its literal taken out. */
  async function fetch(imap: RawImap, items: string): Promise<{ text: string; literal: Buffer }> {
    const { status, untagged } = await imap.command(`FETCH ${items}`);
    assert.match(status, /^OK/);
    const answer = untagged.find((one) => one.includes(' FETCH '));
    assert.ok(answer !== undefined, `no answer to FETCH ${items}`);
    const head = /\{(\d+)\}\r\n/.exec(answer.toString('latin1'));
    if (head === null) return { text: answer.toString('latin1'), literal: Buffer.alloc(0) };
    const start = head.index + head[0].length;
    return { text: answer.toString('latin1'), literal: answer.subarray(start, start + Number(head[1])) };
  }

  async function settings(patch: Parameters<TestOrganization['directory']['setPopSettings']>[1]): Promise<void> {
    await organization.directory.setPopSettings(organization.server.id, patch);
    await organization.directory.setImapSettings(organization.server.id, patch);
    await organization.running.settled();
  }

  /** What a client of each kind sees of a message, after checking that all of it agrees. */
  async function seen(number: number): Promise<string> {
    const imap = await logon();
    await imap.command('SELECT INBOX');
    const whole = (await fetch(imap, `${number} (BODY.PEEK[])`)).literal;
    const { text } = await fetch(imap, `${number} (UID RFC822.SIZE BODYSTRUCTURE)`);
    assert.equal(
      Number(/RFC822\.SIZE (\d+)/.exec(text)?.[1]),
      whole.length,
      'RFC822.SIZE is the length of the literal',
    );
    const [header, body] = [
      await fetch(imap, `${number} (BODY.PEEK[HEADER])`),
      await fetch(imap, `${number} (BODY.PEEK[TEXT])`),
    ];
    assert.deepEqual(Buffer.concat([header.literal, body.literal]), whole);
    assert.deepEqual(
      (await fetch(imap, `${number} (BODY.PEEK[]<10.30>)`)).literal,
      whole.subarray(10, 40),
      'partial fetch',
    );
    const first = (await fetch(imap, `${number} (BODY.PEEK[1])`)).literal;
    assert.ok(whole.includes(first));
    if (!/"alternative"/i.test(text)) {
      assert.deepEqual(first, body.literal);
      assert.match(text, new RegExp(`BODYSTRUCTURE \\(.* ${first.length} \\d+ `));
    }
    imap.socket.destroy();
    const client = await pop();
    assert.equal(await client.command(`LIST ${number}`), `+OK ${number} ${whole.length}`, 'LIST is the length of RETR');
    assert.deepEqual(await client.multiLine(`RETR ${number}`), whole, 'POP3 and IMAP give the same bytes');
    const listed = (await client.multiLine('LIST')).toString('latin1').trim().split('\r\n');
    const sum = listed.reduce((octets, line) => octets + Number(line.split(' ')[1]), 0);
    assert.equal(await client.command('STAT'), `+OK ${listed.length} ${sum}`);
    client.hangUp();
    return whole.toString('latin1');
  }

  async function uidls(): Promise<string> {
    const client = await pop();
    const list = (await client.multiLine('UIDL')).toString('latin1');
    client.hangUp();
    return list;
  }

  test('BestBodyFormat and iCalendar: every byte as it came', async () => {
    assert.equal(await seen(1), HTML.toString('latin1'));
    assert.equal(await seen(2), INVITATION.toString('latin1'));
  });

  test('TextOnly, for new sessions at once; a session that is open goes on as it began', async () => {
    const names = await uidls();
    const open = await logon();
    await open.command('SELECT INBOX');
    await settings({ messageRetrievalMimeFormat: 'TextOnly' });
    const text = await seen(1);
    assert.match(
      text,
      /Content-Type: text\/plain; charset=us-ascii\r\nContent-Transfer-Encoding: 7bit\r\n\r\nHello you\r\n$/,
    );
    assert.deepEqual((await fetch(open, '1 (BODY.PEEK[])')).literal, HTML);
    open.socket.destroy();
    assert.equal(await uidls(), names, 'unique-ids stay');
  });

  test('a mailbox of its own mind', async () => {
    await organization.directory.setClientAccess(alice.account.id, {
      popUseProtocolDefaults: false,
      imapUseProtocolDefaults: false,
    });
    await organization.directory.setClientAccess(alice.account.id, {
      popMessagesRetrievalMimeFormat: 'HtmlAndTextAlternative',
      imapMessagesRetrievalMimeFormat: 'HtmlAndTextAlternative',
    });
    const text = await seen(1);
    assert.match(text, /multipart\/alternative/);
    assert.ok(text.includes('Hello you\r\n') && text.includes('<p>Hello <b>you</b></p>'));
    await organization.directory.setClientAccess(alice.account.id, {
      popMessagesRetrievalMimeFormat: 'BestBodyFormat',
      imapMessagesRetrievalMimeFormat: 'BestBodyFormat',
    });
    assert.equal(await seen(1), HTML.toString('latin1'));
    await organization.directory.setClientAccess(alice.account.id, {
      popUseProtocolDefaults: true,
      imapUseProtocolDefaults: true,
    });
  });

  const item = `/calendar/item/${calendarItemId('lunch-1', null)}`;
  const links = [
    { calendarItemRetrievalOption: 'IntranetUrl', base: 'https://localhost' },
    {
      calendarItemRetrievalOption: 'InternetUrl',
      base: 'https://mail.contoso.example',
      externalConnectionSettings: [{ host: 'mail.contoso.example', port: 995, encryption: 'SSL' }],
    },
    {
      calendarItemRetrievalOption: 'Custom',
      base: 'https://owa.contoso.example/owa',
      owaServerUrl: 'https://owa.contoso.example/owa/',
    },
  ] as const;
  for (const { base, ...patch } of links) {
    test(`${patch.calendarItemRetrievalOption}: a link in place of the calendar`, async () => {
      await settings({ messageRetrievalMimeFormat: 'BestBodyFormat', ...patch });
      const text = await seen(2);
      assert.ok(text.includes(`Lunch?\r\n\r\nOpen this meeting in your web mail: ${base}${item}\r\n`), text);
      assert.ok(!text.includes('VCALENDAR'));
      assert.equal(await seen(1), HTML.toString('latin1'));
    });
  }

  test('ForceICal of one mailbox', async () => {
    await organization.directory.setClientAccess(alice.account.id, {
      popUseProtocolDefaults: false,
      imapUseProtocolDefaults: false,
    });
    assert.doesNotMatch(await seen(2), /VCALENDAR/);
    await organization.directory.setClientAccess(alice.account.id, {
      popForceICalForCalendarRetrievalOption: true,
      imapForceICalForCalendarRetrievalOption: true,
    });
    assert.equal(await seen(2), INVITATION.toString('latin1'));
  });

  test('the link outlives a POP3 download that deletes the message', async () => {
    await organization.directory.setClientAccess(alice.account.id, { popForceICalForCalendarRetrievalOption: false });
    const client = await pop();
    const text = (await client.multiLine('RETR 2')).toString('latin1');
    await client.command('DELE 2');
    await client.command('QUIT');
    const imap = await logon();
    await imap.command(
      'APPEND INBOX',
      Buffer.from(INVITATION.toString('latin1').replace('Subject: lunch', 'Subject: an update')),
    );
    imap.socket.destroy();
    const next = await pop();
    const update = (await next.multiLine('RETR 2')).toString('latin1');
    next.hangUp();
    assert.ok(text.includes(item) && update.includes(item), 'the same address in both');
  });

  test('Tnef', async () => {
    await settings({ messageRetrievalMimeFormat: 'Tnef', calendarItemRetrievalOption: 'iCalendar' });
    await organization.directory.setClientAccess(alice.account.id, {
      popUseProtocolDefaults: true,
      imapUseProtocolDefaults: true,
    });
    const imap = await logon();
    await imap.command('SELECT INBOX');
    const { text } = await fetch(imap, '1 (BODYSTRUCTURE RFC822.SIZE)');
    assert.match(text, /"ms-tnef" \("name" "winmail\.dat"\)/i);
    assert.equal(Number(/RFC822\.SIZE (\d+)/.exec(text)?.[1]), (await fetch(imap, '1 (BODY.PEEK[])')).literal.length);
    const { untagged } = await imap.command(`SEARCH LARGER ${HTML.length + 100}`);
    assert.match(String(untagged[0]), /^\* SEARCH 1/);
    imap.socket.destroy();
  });
});
