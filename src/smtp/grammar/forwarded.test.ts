import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import { LMTP_PREFIX_BYTES, SMTP_COMMAND_LINE_BYTES } from '../../wire/limits.ts';
import { type ForwardedFacts, parseForwarded, printForwarded } from './forwarded.ts';

const FACTS: ForwardedFacts = {
  id: '0011223344556677-1',
  session: '0011223344556677',
  receivedAt: 1_790_000_000_000,
  prefixBytes: 321,
  ignoreQuota: false,
  origin: {
    clientAddress: '2001:db8::1',
    clientName: 'client.example.org',
    connector: 'Default Frontend MAIL1',
    authenticated: true,
    messageId: '<a=b+c@example.org>',
    subject: 'Grüße, 你好',
  },
};

const parse = (line: string): unknown => {
  const parsed = parseForwarded(line.slice('XFORWARD'.length));
  return parsed.kind === 'ok' ? parsed.facts : parsed.reason;
};

test('the facts of a message arrive as they were sent', () => {
  assert.deepEqual(parse(printForwarded(FACTS)), FACTS);
  const notice: ForwardedFacts = { ...FACTS, session: null, origin: null, ignoreQuota: true };
  assert.deepEqual(parse(printForwarded(notice)), notice);
});

test('the longest texts fit into a command line and are cut between characters', () => {
  const long = '你'.repeat(1000);
  const origin = { clientAddress: '::1', clientName: long, connector: long, authenticated: false };
  const line = printForwarded({ ...FACTS, origin: { ...origin, messageId: 'x'.repeat(900), subject: long } });
  assert.ok(Buffer.byteLength(line) + 2 <= SMTP_COMMAND_LINE_BYTES, `${line.length} octets`);
  const parsed = parseForwarded(line.slice('XFORWARD'.length));
  assert.ok(parsed.kind === 'ok' && long.startsWith(parsed.facts.origin?.subject ?? '-'));
});

for (const [what, text] of [
  ['no id', 'RECEIVED=1 PREFIX=0'],
  ['an id with a space', 'IDENT=a+20b RECEIVED=1 PREFIX=0'],
  ['no time', 'IDENT=a PREFIX=0'],
  ['a negative time', 'IDENT=a RECEIVED=-1 PREFIX=0'],
  ['a prefix beyond the limit', `IDENT=a RECEIVED=1 PREFIX=${LMTP_PREFIX_BYTES + 1}`],
  ['another quota', 'IDENT=a RECEIVED=1 PREFIX=0 QUOTA=FREE'],
] as const) {
  test(`${what} is refused`, () => assert.equal(parseForwarded(text).kind, 'bad'));
}
