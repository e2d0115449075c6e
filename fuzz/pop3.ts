/**
 * Fuzz target: POP3 command lines, dot-stuffing, TOP, surrogates and receipt requests on any bytes. A line gives a command or a reason; what was
 * stuffed is one reply that ends at its end and unstuffs to the message; TOP never runs past it.
 */
import assert from 'node:assert/strict';
import { Buffer, isAscii, isUtf8 } from 'node:buffer';
import { asksForReceipt, receiptFor } from '../src/message/mdn.ts';
import { edited, surrogateEdits } from '../src/message/surrogate.ts';
import { DotStuffer } from '../src/pop3/dot-stuffing.ts';
import { errReply, parsePop3Line, parseTransactionCommand } from '../src/pop3/grammar.ts';
import { english } from '../src/pop3/texts/english.ts';
import { topLength } from '../src/pop3/top.ts';
import { ByteWriter } from '../src/wire/byte-writer.ts';

export const name = 'pop3';

export function seeds(): Buffer[] {
  return [
    'RETR 1\r\n',
    'TOP 12 3\r\n',
    'PASS a b \r\n',
    'UIDL\r\n',
    'LANG de-AT-1996\r\n',
    'From: Zo\u00c3\u00ab <\u00c3\u00bc@b>\r\nContent-Type: a/b; n="\u00c3\u00bc"\r\n\r\n',
    'Return-Path: <a@b>\r\nReceived: by c; Mon, 23 Nov 2026 09:00:00 +0000\r\nDisposition-Notification-To: a@b\r\n\r\n',
    'LIST 999999999\r\n',
    'AUTH PLAIN AGEAYg==\r\n',
    'Subject: x\r\n\r\n.\r\n..\r\n.a\r\nend',
    '.\r\n\r\n\r\n.\n.\r.\r\n',
  ].map((seed) => Buffer.from(seed, 'latin1'));
}

export function run(input: Buffer): void {
  const line = parsePop3Line(input);
  assert.ok(/^[\x21-\x7e]*$/.test(line.verb));
  const command = parseTransactionCommand(input);
  if (command.kind === 'invalid') {
    const reason = english.mistake[command.mistake](command.verb);
    assert.match(errReply(reason), /^-ERR [\x20-\x7e]*\r\n$/);
  }

  const cut = input.length === 0 ? 0 : input[0]! % input.length;
  const stuffed: Buffer[] = [];
  const out = new ByteWriter((chunk) => stuffed.push(chunk));
  const stuffer = new DotStuffer(out);
  stuffer.write(input, 0, cut);
  stuffer.write(input, cut, input.length);
  stuffer.end();
  out.flush();
  const reply = Buffer.concat(stuffed).toString('latin1');
  assert.ok(reply === '.\r\n' || reply.indexOf('\r\n.\r\n') === reply.length - 5);
  const text = input.toString('latin1');
  const expected = text === '' || text.endsWith('\r\n') ? text : `${text}\r\n`;
  assert.equal(reply.slice(0, -3).replace(/(^|\n)\./g, '$1'), expected);

  if (isUtf8(input)) assert.ok(isAscii(edited(input, surrogateEdits(input, 0))));
  if (asksForReceipt(input)) {
    receiptFor({ header: input, internalDate: 0, saveDate: 0, owner: [], isOwnHost: () => true });
  }

  const scan = topLength(cut);
  const length = scan.next(input.subarray(0, cut)) ?? scan.next(input.subarray(cut));
  assert.ok(length === null || (length > 0 && length <= input.length));
}
