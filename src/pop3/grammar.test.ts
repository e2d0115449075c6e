import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { Failure } from '../observe/failure.ts';
import {
  errReply,
  okReply,
  parseNumber,
  parsePop3Line,
  parseTransactionCommand,
  pop3Capabilities,
  responseCodeOf,
  statusLine,
} from './grammar.ts';

describe('parsePop3Line', () => {
  const cases: ReadonlyArray<readonly [line: string, verb: string, args: string[], rest: string]> = [
    ['USER fred\r\n', 'USER', ['fred'], 'fred'],
    ['user fred\n', 'USER', ['fred'], 'fred'],
    ['PASS two words \r\n', 'PASS', ['two', 'words'], 'two words '],
    ['PASS  leading\r\n', 'PASS', ['leading'], ' leading'],
    ['QUIT', 'QUIT', [], ''],
    ['QUIT \r\n', 'QUIT', [], ''],
    ['\r\n', '', [], ''],
    ['\x00QUIT\r\n', '', [], ''],
    ['AVERYVERYLONGKEYWORD x\r\n', '', ['x'], 'x'],
    ['TOP  1   2\r\n', 'TOP', ['1', '2'], ' 1   2'],
  ];
  for (const [line, verb, args, rest] of cases) {
    it(JSON.stringify(line), () => {
      const parsed = parsePop3Line(Buffer.from(line, 'latin1'));
      assert.equal(parsed.verb, verb);
      assert.deepEqual(
        parsed.args.map((arg) => arg.toString('latin1')),
        args,
      );
      assert.equal(parsed.rest.toString('latin1'), rest);
    });
  }

  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        parsePop3Line(Buffer.from(bytes));
        parseTransactionCommand(Buffer.from(bytes));
      }),
    );
  });
});

describe('numbers', () => {
  it('takes digits only', () => {
    for (const [text, value] of [
      ['0', 0],
      ['007', 7],
      ['999999999', 999_999_999],
      ['1000000000', null],
      ['-1', null],
      ['1.5', null],
      ['', null],
      ['1a', null],
    ] as const) {
      assert.equal(parseNumber(Buffer.from(text)), value, text);
    }
  });
});

describe('parseTransactionCommand', () => {
  const cases = [
    ['STAT', { kind: 'stat' }],
    ['list', { kind: 'list', message: null }],
    ['LIST 3', { kind: 'list', message: 3 }],
    ['UIDL 1', { kind: 'uidl', message: 1 }],
    ['RETR 2', { kind: 'retr', message: 2 }],
    ['DELE 2', { kind: 'dele', message: 2 }],
    ['TOP 1 10', { kind: 'top', message: 1, lines: 10 }],
    ['LANG', { kind: 'lang', range: null }],
    ['lang es', { kind: 'lang', range: 'es' }],
    ['LANG *', { kind: 'lang', range: '*' }],
    ['LANG zh-Hant-CN-x-wadegile', { kind: 'lang', range: 'zh-Hant-CN-x-wadegile' }],
    ['LANG en de', { kind: 'invalid', mistake: 'takesOneTag', verb: 'LANG' }],
    ['LANG *-DE', { kind: 'invalid', mistake: 'takesOneTag', verb: 'LANG' }],
    ['LANG de_DE', { kind: 'invalid', mistake: 'takesOneTag', verb: 'LANG' }],
    ['USER x', { kind: 'invalid', mistake: 'tooLateForIt', verb: 'USER' }],
    ['UTF8', { kind: 'invalid', mistake: 'tooLateForIt', verb: 'UTF8' }],
    ['XYZZY', { kind: 'invalid', mistake: 'unknownCommand', verb: 'XYZZY' }],
  ] as const;
  for (const [line, command] of cases) {
    it(line, () => assert.deepEqual(parseTransactionCommand(Buffer.from(`${line}\r\n`)), command));
  }
  for (const line of ['STAT 1', 'LIST 1 2', 'LIST x', 'RETR', 'RETR 1 2', 'TOP 1', 'TOP 1 2 3', 'LAST', '', '  ']) {
    it(`refuses ${JSON.stringify(line)}`, () => {
      assert.equal(parseTransactionCommand(Buffer.from(`${line}\r\n`)).kind, 'invalid');
    });
  }
});

describe('replies', () => {
  it('stay one line of at most 512 bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 700 }), (text) => {
        for (const reply of [okReply(text), errReply(text, 'SYS/TEMP')]) {
          assert.ok(Buffer.byteLength(reply) <= 512);
          assert.match(reply, /^[\x20-\x7e]*\r\n$/);
        }
      }),
    );
  });

  it('are cut between characters once LANG allows UTF-8', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 700 }), (text) => {
        const line = Buffer.from(statusLine(`+OK ${text}`, true), 'utf8');
        assert.ok(line.length <= 512);
        assert.ok(!line.toString('utf8').includes('\ufffd') || text.includes('\ufffd'));
        assert.equal(line.subarray(0, -2).indexOf('\n'), -1);
      }),
    );
  });

  it('carry the response codes of RFC 2449 and RFC 3206', () => {
    assert.equal(errReply('no', responseCodeOf(new Failure('AUTHENTICATIONFAILED', ''))), '-ERR [AUTH] no\r\n');
    assert.equal(errReply('busy', responseCodeOf(new Failure('INUSE', ''))), '-ERR [IN-USE] busy\r\n');
    assert.equal(errReply('down', responseCodeOf(new Failure('UNAVAILABLE', ''))), '-ERR [SYS/TEMP] down\r\n');
    assert.equal(errReply('no', responseCodeOf(new Failure('CANNOT', ''))), '-ERR no\r\n');
  });
});

describe('pop3Capabilities', () => {
  it('announces STLS only in the clear, and USER and SASL only where they work', () => {
    const clear = pop3Capabilities({ authenticated: false, encrypted: false, mechanisms: [], password: false });
    assert.ok(clear.includes('STLS'));
    assert.ok(!clear.includes('USER'));
    assert.ok(!clear.some((line) => line.startsWith('SASL')));
    const secure = pop3Capabilities({ authenticated: false, encrypted: true, mechanisms: ['SCRAM-SHA-256', 'PLAIN'] });
    assert.ok(!secure.includes('STLS'));
    assert.ok(secure.includes('USER'));
    assert.ok(secure.includes('SASL SCRAM-SHA-256 PLAIN'));
  });

  it('announces LOGIN-DELAY only where there is one, UTF8 and LANG always, IMPLEMENTATION behind the logon', () => {
    const none = pop3Capabilities({ authenticated: false, encrypted: true, mechanisms: [], loginDelay: 0 });
    assert.ok(!none.some((line) => /^(LOGIN-DELAY|IMPLEMENTATION)/.test(line)));
    const some = pop3Capabilities({ authenticated: true, encrypted: true, mechanisms: [], loginDelay: 60 });
    for (const line of ['LOGIN-DELAY 60', 'UTF8 USER', 'LANG', 'EXPIRE NEVER', 'IMPLEMENTATION Penfold']) {
      assert.ok(some.includes(line), line);
    }
  });
});
