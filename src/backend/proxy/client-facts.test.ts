import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ProtocolViolation } from '../../observe/failure.ts';
import { type ClientFacts, parseFacts, writeFacts } from './client-facts.ts';
import { PROXY_LINE_BYTES } from './dialect.ts';

const session = '0123456789abcdef';
const PLAIN = { noNullPrototype: true } as const;
const bare: ClientFacts = { session, clientAddress: '2001:db8::1', tls: null, clientId: new Map(), mechanisms: [] };

describe('XCLIENT', () => {
  test('comes back as it was sent, whatever the client said of itself', () => {
    const text = fc.string({ unit: 'binary', maxLength: 40 }).map((value) => value.toWellFormed());
    const facts = fc.record(
      {
        session: fc.constant(session),
        clientAddress: fc.oneof(fc.ipV4(), fc.ipV6()),
        clientPort: fc.integer({ min: 0, max: 65_535 }),
        tls: fc.option(fc.record({ protocol: text, cipher: text, serverName: fc.option(text) }, PLAIN)),
        clientId: fc.array(fc.tuple(text, text), { maxLength: 30 }).map((pairs) => new Map(pairs)),
        mechanisms: fc.constantFrom([], ['SCRAM-SHA-256', 'PLAIN']),
        pop3: fc.record(
          { utf8: fc.boolean(), language: fc.option(fc.constantFrom('de', 'pt-BR')), password: fc.boolean() },
          PLAIN,
        ),
      },
      PLAIN,
    );
    fc.assert(
      fc.property(facts, (one) => {
        const line = writeFacts(one);
        assert.match(line, /^[\x21-\x7e ]*$/, 'no line end, nothing beyond ASCII');
        assert.deepEqual(parseFacts(line), one);
      }),
    );
  });

  test('stays within a line, also for a client that says much', () => {
    const clientId = new Map(Array.from({ length: 30 }, (_, i) => [`key ${i}`, 'ü'.repeat(1024)]));
    const line = writeFacts({ ...bare, clientId });
    assert.ok(line.length < PROXY_LINE_BYTES / 2, `${line.length} octets`);
    const parsed = parseFacts(line).clientId;
    assert.ok(parsed.size >= 1 && parsed.size < 30);
    for (const value of parsed.values()) assert.equal(value, 'ü'.repeat(1024));
  });

  test('skips what it does not know', () => {
    assert.deepEqual(parseFacts(`${writeFacts(bare)} NEWER=thing`), bare);
  });

  for (const wrong of [
    '',
    'nonsense',
    '=x',
    'SESSION=1 ADDR=x',
    `SESSION=${session}`,
    `SESSION=${session} ADDR=%zz`,
    `SESSION=${session} ADDR=x PORT=65536`,
  ])
    test(`is refused: ${wrong}`, () => {
      assert.throws(() => parseFacts(wrong), ProtocolViolation);
    });
});
