/**
 * PROXY protocol on a running server: whom a trusted load balancer names is the client for logs, limits, throttle,
 * receive connectors and Received fields; from anybody else the same bytes are worth nothing. The balancer is
 * 127.0.0.2, everybody else 127.0.0.1.
 */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { request } from 'node:https';
import { connect, type Socket } from 'node:net';
import { afterEach, after, before, describe, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { doorOverSocket } from '../../src/management/door-client.ts';
import { controlSocketPath } from '../../src/config/data-directory.ts';
import { defaultConfiguration } from '../../src/config/read.ts';
import type { RawArguments } from '../../src/management/binding.ts';
import { startOrganization, type TestOrganization } from '../support/organization.ts';
import { Talk } from '../settings/talk.ts';

const BALANCER = '127.0.0.2';
const CLIENT = '192.0.2.7';
const OTHER_CLIENT = '2001:db8::7';
const LOCK_AFTER = 3;
const LINE = /\r\n$/;
const REPLY = /(?:^|\r\n)\d{3} [^\r\n]*\r\n$/;

const v1 = (client: string): string =>
  client.includes(':')
    ? `PROXY TCP6 ${client} 2001:db8::1 40000 143\r\n`
    : `PROXY TCP4 ${client} 198.51.100.10 40000 143\r\n`;
/** 192.0.2.7:40000 to 198.51.100.10:993. */
const V2 = Buffer.from('0d0a0d0a000d0a515549540a2111000cc0000207c633640a9c4003e1', 'hex').toString('latin1');
const V2_LOCAL = Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex').toString('latin1');

describe('PROXY protocol', () => {
  let organization: TestOrganization;
  const talks = new Set<Talk>();

  async function set(name: string, args: RawArguments): Promise<void> {
    const file = controlSocketPath(organization.layout, defaultConfiguration().control.socket);
    const door = doorOverSocket(file, { via: 'command', user: 'tester' });
    const options = {
      whatIf: false,
      confirm: false,
      input: null,
      signal: new AbortController().signal,
      onWarning: () => {},
      onProgress: () => {},
    };
    for await (const object of door.run(name, args, options)) void object;
    await organization.running.settled();
  }
  const trust = (ranges: string | null): Promise<void> =>
    set('Set-ClientAccessServer', { ProxyProtocolIPRanges: ranges });

  async function socketFrom(localAddress: string, port: number, header: string): Promise<Socket> {
    const socket = connect({ host: organization.host, port, localAddress });
    await once(socket, 'connect');
    if (header !== '') socket.write(header, 'latin1');
    return socket;
  }
  async function from(localAddress: string, port: number, header = ''): Promise<Talk> {
    const talk = new Talk(await socketFrom(localAddress, port, header));
    talks.add(talk);
    return talk;
  }
  const lines = (text: string): ReadonlyArray<Readonly<Record<string, unknown>>> =>
    organization.log.filter((line) => line.text === text).map((line) => line.fields);
  const lastClient = (): unknown => lines('client connected').at(-1)?.client;

  before(async () => {
    organization = await startOrganization({
      engine: 'memory',
      users: ['alice', 'bob', 'carol'],
      lockAfter: LOCK_AFTER,
    });
    await trust(BALANCER);
  });
  after(() => organization.stop());
  afterEach(async () => {
    for (const talk of talks) await talk.close();
    talks.clear();
  });

  async function logon(talk: Talk, name: string, password: string): Promise<string> {
    talk.send(`a LOGIN ${name} "${password}"\r\n`);
    return talk.until(/^a (?:OK|NO|BAD) .*\r\n$/m);
  }
  async function secure(socket: Socket): Promise<Talk> {
    const tls = connectTls({ socket, ca: organization.ca, servername: 'localhost' });
    await once(tls, 'secureConnect');
    const talk = new Talk(tls);
    talks.add(talk);
    return talk;
  }

  test('IMAP and POP3, both versions, in front of the greeting and of TLS', async () => {
    const { imap, pop3 } = organization;
    for (const [port, header] of [
      [imap.plain, v1(CLIENT)],
      [imap.plain, V2],
      [pop3.plain, V2],
    ] as const) {
      const talk = await from(BALANCER, port, header);
      assert.match(await talk.until(LINE), /^(?:\* OK|\+OK)/);
      assert.equal(lastClient(), CLIENT);
    }
    const talk = await secure(await socketFrom(BALANCER, imap.tls, V2));
    await talk.until(LINE);
    assert.equal(lastClient(), CLIENT);
    const { address, password } = organization.user(0);
    assert.match(await logon(talk, address, password), /^a OK/m);
  });

  test('SMTP: the Received field names the client', async () => {
    const talk = await from(BALANCER, organization.smtp.inbound, v1(CLIENT));
    assert.match(await talk.until(REPLY), /^220/);
    const alice = organization.user(0);
    for (const line of ['EHLO c.example', 'MAIL FROM:<a@example.org>', `RCPT TO:<${alice.address}>`, 'DATA']) {
      talk.send(`${line}\r\n`);
      assert.match(await talk.until(REPLY), /^[23]/);
    }
    talk.send('Subject: proxied\r\n\r\nx\r\n.\r\n');
    assert.match(await talk.until(REPLY), /^250/);
    assert.match(await receivedOf(alice, 'proxied'), /^Received: from c\.example \(.*192\.0\.2\.7/m);
  });

  async function receivedOf(user: { address: string; password: string }, subject: string): Promise<string> {
    const tls = connectTls({
      host: organization.host,
      port: organization.imap.tls,
      ca: organization.ca,
      servername: 'localhost',
    });
    await once(tls, 'secureConnect');
    const talk = new Talk(tls);
    talks.add(talk);
    await talk.until(LINE);
    await logon(talk, user.address, user.password);
    talk.send(`b SELECT INBOX\r\nc SEARCH SUBJECT ${subject}\r\n`);
    const found = /^\* (?:SEARCH|ESEARCH .*ALL) (\d+)/m.exec(await talk.until(/^c OK .*\r\n$/m));
    talk.send(`d FETCH ${found?.[1] ?? '0'} BODY.PEEK[HEADER]\r\n`);
    return talk.until(/^d (?:OK|NO|BAD) .*\r\n$/m);
  }

  test('the web host sees the client, also when it asks again on the same connection', async () => {
    const socket = await socketFrom(BALANCER, organization.web, V2);
    const tls = connectTls({ socket, ca: organization.ca, servername: 'localhost' });
    await once(tls, 'secureConnect');
    const { address } = organization.user(1);
    // The throttle would let no more than these be tried.
    for (let again = 0; again < LOCK_AFTER; again += 1) {
      const asked = request({
        createConnection: () => tls,
        path: '/admin/cmdlets',
        headers: {
          authorization: `Basic ${Buffer.from(`${address}:wrong`).toString('base64')}`,
          connection: 'keep-alive',
        },
      });
      asked.end();
      const [response] = await once(asked, 'response');
      response.resume();
      await once(response, 'end');
    }
    tls.destroy();
    const refused = lines('logon refused').filter(({ protocol }) => protocol === 'web');
    assert.deepEqual(
      refused.map(({ address: client }) => client),
      Array.from({ length: LOCK_AFTER }, () => CLIENT),
    );
  });

  test('must fail: who is no load balancer gains nothing by a forged header', async () => {
    const { imap, pop3, smtp } = organization;
    const onImap = await from('127.0.0.1', imap.plain, v1(CLIENT));
    assert.match(await onImap.until(/^PROXY BAD .*\r\n$/m), /^\* OK/);
    assert.equal(lastClient(), '127.0.0.1');
    const onPop3 = await from('127.0.0.1', pop3.plain, v1(CLIENT));
    assert.match(await onPop3.until(/^-ERR .*\r\n$/m), /^\+OK/);
    assert.equal(lastClient(), '127.0.0.1');

    const talk = await from('127.0.0.1', smtp.inbound);
    await talk.until(REPLY);
    talk.send(v1(CLIENT));
    assert.match(await talk.until(REPLY), /^500/);
    for (const line of [
      'EHLO c.example',
      'MAIL FROM:<a@example.org>',
      `RCPT TO:<${organization.user(2).address}>`,
      'DATA',
    ]) {
      talk.send(`${line}\r\n`);
      assert.match(await talk.until(REPLY), /^[23]/);
    }
    talk.send('Subject: forged\r\n\r\nx\r\n.\r\n');
    await talk.until(REPLY);
    const header = await receivedOf(organization.user(2), 'forged');
    assert.match(header, /127\.0\.0\.1/);
    assert.doesNotMatch(header, /192\.0\.2\.7/);

    for (const port of [imap.tls, organization.web]) {
      const socket = await socketFrom('127.0.0.1', port, V2);
      const tls = connectTls({ socket, ca: organization.ca, servername: 'localhost' });
      await assert.rejects(once(tls, 'secureConnect'));
    }
  });

  for (const [what, said] of [
    ['no header', 'a NOOP\r\n'],
    ['a broken header', 'PROXY TCP4 192.0.2.7\r\n'],
    ['a TLS handshake', '\x16\x03\x01\x02\0\x01'],
  ] as const) {
    test(`must fail: ${what} from a load balancer ends the connection before any greeting, and is logged`, async () => {
      const { imap, pop3, smtp, web } = organization;
      for (const port of [imap.plain, imap.tls, pop3.plain, smtp.inbound, smtp.submissions, web]) {
        const before = lines('connection of a load balancer refused').length;
        assert.equal(await (await from(BALANCER, port, said)).rest(), 'CLOSED');
        const refused = lines('connection of a load balancer refused');
        assert.equal(refused.length, before + 1);
        assert.equal(refused.at(-1)?.balancer, BALANCER);
        assert.equal(refused.at(-1)?.port, port);
        assert.match(String(refused.at(-1)?.text), /no PROXY protocol header|address/);
      }
    });
  }

  test('limits per address count clients, not the balancer nor its health checks', async () => {
    const { imap, smtp } = organization;
    await set('Set-ImapSettings', { MaxConnectionFromSingleIP: 1 });
    const connector = { Identity: 'Default Frontend TEST' };
    await set('Set-ReceiveConnector', { ...connector, MaxInboundConnectionPerSource: 1 });
    for (const [port, greeting] of [
      [imap.plain, /^\* OK/],
      [smtp.inbound, /^220/],
    ] as const) {
      const opened = async (header: string): Promise<string> => (await from(BALANCER, port, header)).until(LINE);
      assert.match(await opened(v1(CLIENT)), greeting);
      assert.match(await opened(v1(OTHER_CLIENT)), greeting);
      assert.match(await opened(V2), /^(?:\* BYE \[LIMIT\]|421 ).*address/, 'one client, whatever version names it');
      assert.match(await opened(v1('2001:db8::8')), /^(?:\* BYE \[LIMIT\]|421 ).*address/, 'the same /64');
      for (const check of [V2_LOCAL, 'PROXY UNKNOWN\r\n', V2_LOCAL]) assert.match(await opened(check), greeting);
    }
    await set('Set-ImapSettings', { MaxConnectionFromSingleIP: 1000 });
    await set('Set-ReceiveConnector', { ...connector, MaxInboundConnectionPerSource: 1000 });
  });

  test('wrong passwords lock out the client that tried them, not all behind the balancer', async () => {
    const { address, password } = organization.user(2);
    for (let tried = 0; tried < LOCK_AFTER; tried += 1) {
      const talk = await secure(await socketFrom(BALANCER, organization.imap.tls, v1('192.0.2.66')));
      await talk.until(LINE);
      assert.match(await logon(talk, address, 'wrong'), /^a NO/m);
    }
    const locked = await secure(await socketFrom(BALANCER, organization.imap.tls, v1('192.0.2.66')));
    await locked.until(LINE);
    assert.match(await logon(locked, address, password), /^a NO/m);
    const neighbour = await secure(await socketFrom(BALANCER, organization.imap.tls, v1('192.0.2.67')));
    await neighbour.until(LINE);
    assert.match(await logon(neighbour, address, password), /^a OK/m);
  });

  test('receive connectors are chosen by the address of the client', async () => {
    await set('New-ReceiveConnector', {
      Name: 'Narrow',
      Custom: true,
      Bindings: `127.0.0.1:${organization.smtp.inbound}`,
      RemoteIPRanges: '192.0.2.0/24',
      PermissionGroups: 'AnonymousUsers',
      Banner: '220 narrow',
    });
    assert.match(await (await from(BALANCER, organization.smtp.inbound, v1(CLIENT))).until(LINE), /^220 narrow/);
    assert.doesNotMatch(
      await (await from(BALANCER, organization.smtp.inbound, v1('198.51.100.1'))).until(LINE),
      /narrow/,
    );
    assert.doesNotMatch(await (await from(BALANCER, organization.smtp.inbound, V2_LOCAL)).until(LINE), /narrow/);
  });

  test('Set-ClientAccessServer counts for the next connection, both ways', async () => {
    await trust(null);
    const { imap } = organization;
    const talk = await from(BALANCER, imap.plain, v1(CLIENT));
    assert.match(await talk.until(/^PROXY BAD .*\r\n$/m), /^\* OK/);
    assert.equal(lastClient(), BALANCER, 'nobody is believed');
    await trust('127.0.0.2-127.0.0.3');
    assert.match(await (await from('127.0.0.3', imap.plain, v1(CLIENT))).until(LINE), /^\* OK/);
    assert.equal(lastClient(), CLIENT);
  });
});
