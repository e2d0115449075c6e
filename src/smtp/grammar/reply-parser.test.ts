import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ProtocolViolation } from '../../observe/failure.ts';
import { SMTP_REPLY_LINES } from '../../wire/limits.ts';
import { NO_CAPABILITIES, parseCapabilities } from './capabilities.ts';
import { formatReply, type Reply, reply } from './reply.ts';
import { ReplyParser } from './reply-parser.ts';

function parse(text: string): Reply[] {
  const parser = new ReplyParser();
  const replies: Reply[] = [];
  for (const line of text.match(/[^\n]*\n/g) ?? []) {
    const found = parser.push(Buffer.from(line, 'latin1'));
    if (found !== null) replies.push(found);
  }
  return replies;
}

describe('replies of another server', () => {
  test('one line, several lines, a code alone, a bare LF', () => {
    assert.deepEqual(parse('250 OK\r\n'), [reply(250, null, 'OK')]);
    assert.deepEqual(parse('250-one\r\n250-\r\n250 three\r\n'), [reply(250, null, 'one', '', 'three')]);
    assert.deepEqual(parse('220\r\n'), [reply(220, null, '')]);
    assert.deepEqual(parse('354 go\n'), [reply(354, null, 'go')]);
  });

  test('an enhanced status code is told apart from text', () => {
    assert.deepEqual(parse('550-5.1.1 no\r\n550 5.1.1 body\r\n'), [reply(550, '5.1.1', 'no', 'body')]);
    assert.deepEqual(parse('250 2.0.0\r\n'), [reply(250, '2.0.0', '')]);
    // Of another class than the code: not a status of this reply.
    assert.deepEqual(parse('250 5.1.1 x\r\n'), [reply(250, null, '5.1.1 x')]);
    assert.deepEqual(parse('220 192.0.2.1 ready\r\n'), [reply(220, null, '192.0.2.1 ready')]);
  });

  for (const [what, text] of [
    ['no code', 'hello\r\n'],
    ['a code out of range', '199 x\r\n'],
    ['another separator', '250_x\r\n'],
    ['different codes in one reply', '250-a\r\n251 b\r\n'],
    ['too many lines', '250-x\r\n'.repeat(SMTP_REPLY_LINES + 1)],
  ] as const) {
    test(`${what} is fatal`, () => {
      assert.throws(
        () => parse(text),
        (error) => error instanceof ProtocolViolation && error.fatal,
      );
    });
  }

  test('what this server writes, its client reads', () => {
    const lines = fc.array(fc.stringMatching(/^[a-z][ -~]{0,60}$/), { minLength: 1, maxLength: 5 });
    const codes = fc.constantFrom<[number, string | null]>([250, '2.1.5'], [451, '4.3.0'], [552, '5.2.2'], [354, null]);
    fc.assert(
      fc.property(codes, lines, ([code, enhanced], text) => {
        const sent = reply(code, enhanced, ...text);
        assert.deepEqual(parse(formatReply(sent, true)), [sent]);
      }),
    );
  });
});

describe('capabilities', () => {
  test('known keywords in any case, with parameters; others are passed over', () => {
    const found = parseCapabilities(
      reply(250, null, 'mail.example PIPELINING', 'size 1000', 'Chunking', 'AUTH PLAIN scram-sha-256', 'X-OTHER'),
    );
    const expected = { ...NO_CAPABILITIES, size: 1000, chunking: true, auth: ['PLAIN', 'SCRAM-SHA-256'] };
    assert.deepEqual(found, expected);
  });

  test('SIZE without a limit (RFC 1870 §4)', () => {
    for (const line of ['SIZE', 'SIZE 0', 'SIZE many']) {
      assert.equal(parseCapabilities(reply(250, null, 'x', line)).size, Infinity, line);
    }
  });
});
