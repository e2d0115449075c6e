/** Single header values: addresses, dates, encoded words, parameters, subjects, ids, charsets, transfer encodings. */
import assert from 'node:assert/strict';
import { parseAddressList } from '../src/message/address-list.ts';
import { baseSubjectOf } from '../src/message/base-subject.ts';
import { decodeText } from '../src/message/charset.ts';
import { parseDate } from '../src/message/date.ts';
import { decodeWords } from '../src/message/encoded-word.ts';
import { foldText } from '../src/message/fold.ts';
import { messageIds } from '../src/message/message-id.ts';
import { fieldValue } from '../src/message/octet-string.ts';
import { parameterText, parseContentType } from '../src/message/parameters.ts';
import { decodeTransfer } from '../src/message/transfer-encoding.ts';

export const name = 'message-fields';

const SEEDS = [
  'Joe Q. Public <john.q.public@example.com>, "Giant; \\"Big\\" Box" <@a,@b:c@d>, g: x@[IPv6:::1] (c);',
  'Fri, 21 Nov 1997 09(comment): 55 : 06 -0600',
  '=?utf-8?q?=C3=B6?= =?iso-2022-jp*ja?B?GyRCRnxLXBsoQg==?= raw \xf6',
  'text/plain; charset="utf-8"; name*0*=utf-8\'\'%C3; name*1*=%B6; name=plain (c)',
  'Re: [list] [x] fwd[2]: [fwd: hello (fwd)]',
  '<a@b> <"c d"@e(x)> bare@id',
  'begin 644 x\n#0V%T\n`\nend',
];
const LABELS = ['utf-8', 'iso-2022-jp', 'iso-2022-kr', 'hz', 'utf-7', 'gb18030', 'big5', 'cp437'];

export function* seeds(): Iterable<Buffer> {
  for (const seed of SEEDS) yield Buffer.from(seed, 'latin1');
}

export function run(input: Buffer): void {
  const value = fieldValue(input.toString('latin1'), 0, input.length);
  let inGroup = false;
  for (const { mailbox, host } of parseAddressList(value)) {
    if (host !== null) continue;
    assert.equal(inGroup, mailbox === null, 'group marks do not match');
    inGroup = mailbox !== null;
  }
  assert.equal(inGroup, false);
  const date = parseDate(value);
  assert.ok(date === null || (Number.isSafeInteger(date.seconds) && Number.isSafeInteger(date.day)));
  const text = decodeWords(value, null);
  assert.ok(!/[\r\n\0]/.test(text), 'a line end came out of encoded words');
  const { text: base } = baseSubjectOf(text);
  assert.equal(baseSubjectOf(base).text, base, 'a base subject has a base subject');
  foldText(text);
  messageIds(value);
  parameterText(parseContentType(value)?.parameters ?? [], 'name', null);
  decodeText(input, LABELS[input.length % LABELS.length] ?? null);
  for (const encoding of ['base64', 'quoted-printable', 'x-uuencode']) {
    assert.ok(decodeTransfer(input, encoding).length <= input.length);
  }
}
