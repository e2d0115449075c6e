import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseIdentity, parseProxied, printProxied, proxiedIdentity, type ProxiedFacts } from './proxied-client.ts';

const FACTS: ProxiedFacts = {
  session: '0011223344556677',
  address: '2001:db8::1',
  port: 54_321,
  helo: '[192.0.2.1]',
  tls: { protocol: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', serverName: 'mail.example.org' },
  connector: '0a1b-2c',
};
const parse = (text: string): unknown => {
  const parsed = parseProxied(text);
  return parsed.kind === 'ok' ? parsed.facts : parsed.reason;
};

test('the facts of a client arrive as they were sent', () => {
  for (const facts of [FACTS, { ...FACTS, tls: null }]) {
    assert.deepEqual(parse(printProxied(facts).slice('XCLIENT'.length)), facts);
  }
});

for (const [what, text] of [
  ['a session that is none', 'SESSION=1 ADDR=192.0.2.1 PORT=1 CONNECTOR=a'],
  ['no address', 'SESSION=0011223344556677 PORT=1 CONNECTOR=a'],
  ['a host name for an address', 'SESSION=0011223344556677 ADDR=host PORT=1 CONNECTOR=a'],
  ['no port', 'SESSION=0011223344556677 ADDR=192.0.2.1 CONNECTOR=a'],
  ['a connector with a space', 'SESSION=0011223344556677 ADDR=192.0.2.1 PORT=1 CONNECTOR=a+20b'],
] as const) {
  test(`${what} is refused`, () => assert.equal(parseProxied(text).kind, 'bad'));
}

test('an identity names two accounts', () => {
  const [account, mailbox] = ['ann', 'bob'];
  for (const appPassword of [null, 'phone'])
    assert.deepEqual(parseIdentity(proxiedIdentity(account, mailbox, appPassword)), { account, mailbox, appPassword });
  for (const text of ['', 'ann', 'ann bob phone more', 'ann bob ', 'ann bob\0', 'a@b c'])
    assert.equal(parseIdentity(text), null);
});
