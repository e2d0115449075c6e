/** The message parser takes any bytes: strict grammar out, parts inside the message, streamed as at once. */
import assert from 'node:assert/strict';
import { readParts, readPreview, readSortFields, SECTION, sectionEnd, sectionStart } from '../src/message/fragment.ts';
import { MessageScanner, parseMessage } from '../src/message/scanner.ts';
import { searchableText } from '../src/message/search-text.ts';
import { corpusMessages, corpusMissing } from '../test/support/corpus.ts';
import { FetchGrammar } from '../test/support/fetch-grammar.ts';

export const name = 'message';

const OWN_SEEDS = [
  'From: "A" <a@b>\r\nTo: g: c@d, <@r:e@f>;\r\nDate: Mon, 1 Jan 2024 00:00:00 +0000\r\nSubject: Re: =?utf-8?q?x?=\r\n\r\nbody\r\n',
  "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\ny\r\n--b\r\nContent-Type: text/html; charset=iso-2022-jp\r\nContent-Transfer-Encoding: quoted-printable\r\nContent-Disposition: attachment; filename*0*=utf-8''a; filename*1=b\r\n\r\n<p>=41</p>\r\n--b--\r\n",
];
/** Every n-th corpus message, so that all collections are there. */
const CORPUS_STEP = 20;

export function* seeds(): Iterable<Buffer> {
  for (const seed of OWN_SEEDS) yield Buffer.from(seed, 'latin1');
  if (corpusMissing() !== false) return;
  let index = 0;
  for (const { bytes } of corpusMessages()) if (index++ % CORPUS_STEP === 0) yield bytes;
}

export function run(input: Buffer): void {
  const { fragment } = parseMessage(input);
  const grammar = new FetchGrammar(
    fragment,
    sectionStart(fragment, 0, SECTION.envelope),
    sectionEnd(fragment, 0, SECTION.body),
  );
  grammar.expect(' ENVELOPE ');
  grammar.envelope();
  grammar.expect(' BODYSTRUCTURE ');
  grammar.body(true);
  grammar.expect(' BODY ');
  grammar.body(false);
  grammar.finish();
  const parts = readParts(fragment, 0);
  for (const part of parts) {
    assert.ok(part.headerStart <= part.bodyStart && part.bodyStart <= part.bodyEnd && part.bodyEnd <= input.length);
  }
  readSortFields(fragment, 0);
  assert.ok(Array.from(readPreview(fragment, 0)).length <= 200);
  searchableText(input, parts);

  const scanner = new MessageScanner();
  // Odd sizes that differ from input to input and put chunk ends everywhere.
  const step = 1 + (input.length % 97);
  for (let at = 0; at < input.length; at += step) scanner.write(Buffer.from(input.subarray(at, at + step)));
  assert.ok(scanner.end().fragment.equals(fragment), 'differs when streamed');
}
