import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { SMTP_DOMAIN_BYTES, SMTP_LOCAL_PART_BYTES, SMTP_PARAMETERS } from '../../wire/limits.ts';
import { isAddressLiteral, mailAddress, parseAddress } from './address.ts';
import { argumentText, decodeBase64, parseCommandLine } from './command.ts';
import { parsePathArgument } from './path.ts';
import { formatReply, reply } from './reply.ts';

describe('parseCommandLine', () => {
  const good = [
    ['QUIT\r\n', 'QUIT', ''],
    ['mail FROM:<a@b>  \r\n', 'MAIL', 'FROM:<a@b>'],
    ['EHLO   x\r\n', 'EHLO', 'x'],
  ] as const;
  for (const [line, verb, argument] of good) {
    it(JSON.stringify(line), () => {
      const parsed = parseCommandLine(Buffer.from(line));
      assert.ok(parsed.kind === 'command');
      assert.deepEqual([parsed.verb, parsed.argument.toString()], [verb, argument]);
    });
  }
  for (const line of [
    'QUIT\n',
    '\r\n',
    'NO\rOP\r\n',
    'NOOP\r\r\n',
    'NO\0OP\r\n',
    '\xffQUIT\r\n',
    'A'.repeat(17),
    '\n',
    'MAIL-FROM x\r\n',
  ]) {
    it(`refuses ${JSON.stringify(line)}`, () => {
      assert.equal(parseCommandLine(Buffer.from(line, 'latin1')).kind, 'bad');
    });
  }
  it('never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const line = Buffer.concat([Buffer.from(bytes), Buffer.from('\n')]);
        const parsed = parseCommandLine(line);
        const text = parsed.kind === 'command' ? argumentText(parsed.argument) : null;
        if (text !== null) parsePathArgument(text, 'FROM:');
      }),
    );
  });
});

describe('addresses', () => {
  const good = [
    ['ann@example.org', 'ann@example.org'],
    ['Ann.B+tag@EXAMPLE.Org', 'Ann.B+tag@example.org'],
    ['"a b"@example.org', '"a b"@example.org'],
    ['"ann"@example.org', 'ann@example.org'],
    ['"a\\"b"@example.org', '"a\\"b"@example.org'],
    ['a..b@example.org', '"a..b"@example.org'],
    ['ann@[192.0.2.1]', 'ann@[192.0.2.1]'],
    ['ann@[IPv6:2001:db8::1]', 'ann@[IPv6:2001:db8::1]'],
    ['jürgen@exämple.org', 'jürgen@exämple.org'],
    ['用户@例え.jp', '用户@例え.jp'],
    ['a@host_name.local', 'a@host_name.local'],
    ['a@b.', 'a@b'],
  ] as const;
  for (const [text, canonical] of good) {
    it(text, () => assert.equal(parseAddress(text)?.text, canonical));
  }
  for (const text of [
    'ann',
    '@b',
    'a@',
    'a b@c',
    'a@-b.c',
    'a@b..c',
    'a@[1.2.3]',
    'a@[300.1.1.1]',
    '"a@b',
    'a@b c',
    'a@b>',
    'a\u0000@b',
    `${'a'.repeat(SMTP_LOCAL_PART_BYTES + 1)}@b`,
    `a@${'b'.repeat(64)}.org`,
    `a@${'b.'.repeat(SMTP_DOMAIN_BYTES / 2)}org`,
  ]) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.equal(parseAddress(text), null));
  }
  it('comes back from its own text', () => {
    const local = fc
      .string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 20 })
      .filter((text) => /^[\x20-\x7e]+$/.test(text));
    fc.assert(
      fc.property(local, (localPart) => {
        const { text } = mailAddress(localPart, 'Example.org');
        assert.deepEqual(parseAddress(text), { localPart, domain: 'example.org', text, internationalized: false });
      }),
    );
  });
  it('knows address literals', () => {
    assert.ok(isAddressLiteral('[IPv6:::1]'));
    assert.ok(!isAddressLiteral('[2001:db8::1]'));
    assert.ok(!isAddressLiteral('192.0.2.1'));
  });
});

describe('parsePathArgument', () => {
  it('reads paths and parameters', () => {
    const parsed = parsePathArgument('from:<a@b.org> SIZE=100 body=8BITMIME SMTPUTF8', 'FROM:');
    assert.ok(parsed.kind === 'ok' && parsed.path.kind === 'address');
    assert.equal(parsed.path.address.text, 'a@b.org');
    assert.deepEqual(
      [...parsed.parameters],
      [
        ['SIZE', '100'],
        ['BODY', '8BITMIME'],
        ['SMTPUTF8', null],
      ],
    );
  });
  const kinds = [
    ['FROM:<>', 'null'],
    ['FROM: <>', 'null'],
    ['FROM:<PostMaster>', 'postmaster'],
    ['FROM:<@one.org,@two.org:a@b.org>', 'address'],
    ['FROM:<"a > b"@c.org>', 'address'],
    ['FROM:<> AUTH=<>', 'null'],
  ] as const;
  for (const [text, kind] of kinds) {
    it(text, () => {
      const parsed = parsePathArgument(text, 'FROM:');
      assert.ok(parsed.kind === 'ok');
      assert.equal(parsed.path.kind, kind);
    });
  }
  const many = Array.from({ length: SMTP_PARAMETERS + 1 }, (_, index) => `P${index}`).join(' ');
  for (const [text, what] of [
    ['TO:<a@b>', 'keyword'],
    ['FROM:a@b', 'path'],
    ['FROM:<a@b', 'path'],
    ['FROM:<a>', 'path'],
    ['FROM:<@one.org a@b>', 'path'],
    [`FROM:<"${'a\\ '.repeat(600)}"@b>`, 'path'],
    ['FROM:<a@b>SIZE=1', 'parameter'],
    ['FROM:<a@b> SIZE=1 SIZE=2', 'parameter'],
    ['FROM:<a@b> =1', 'parameter'],
    ['FROM:<a@b> X=', 'parameter'],
    [`FROM:<a@b> ${many}`, 'parameter'],
  ] as const) {
    it(`refuses ${text.slice(0, 40)}`, () => {
      const parsed = parsePathArgument(text, 'FROM:');
      assert.ok(parsed.kind === 'bad');
      assert.equal(parsed.what, what);
    });
  }
});

describe('replies', () => {
  it('put the enhanced code on every line', () => {
    assert.equal(formatReply(reply(214, '2.0.0', 'a', 'b'), true), '214-2.0.0 a\r\n214 2.0.0 b\r\n');
    assert.equal(formatReply(reply(214, '2.0.0', 'a', 'b'), false), '214-a\r\n214 b\r\n');
    assert.equal(formatReply(reply(354, null, 'go'), true), '354 go\r\n');
  });
  it('never hold a line break or more than 512 octets', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 700 }), (text) => {
        const line = formatReply(reply(550, '5.1.1', text), true);
        assert.ok(Buffer.byteLength(line) <= 512);
        assert.match(line, /^550 5\.1\.1 [\x20-\x7e]*\r\n$/);
      }),
    );
  });
});

describe('decodeBase64', () => {
  it('is strict', () => {
    assert.equal(decodeBase64('=')?.length, 0);
    assert.equal(decodeBase64('AGEAYg==')?.toString('latin1'), '\0a\0b');
    for (const text of ['AGEAYg', 'AGE AYg==', '====', 'a', '*']) assert.equal(decodeBase64(text), null, text);
  });
});
