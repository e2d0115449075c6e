/** Rendering takes any bytes in any wish: never throws, is idempotent, grows within its bound, ends with a line. */
import assert from 'node:assert/strict';
import { readParts } from '../src/message/fragment.ts';
import { LineEndNormalizer } from '../src/message/line-ends.ts';
import { mayChange, renderedBound, renderMessage } from '../src/message/render/render.ts';
import type { RenderingWish, TextFormat } from '../src/message/render/wish.ts';
import { parseMessage } from '../src/message/scanner.ts';
import { corpusMessages, corpusMissing } from '../test/support/corpus.ts';

export const name = 'render';

const OWN_SEEDS = [
  'Subject: x\r\nContent-Type: text/enriched\r\n\r\n<bold>a</bold><param>b</param><<\r\n\r\n<nofill>c\r\n',
  'Subject: x\r\nContent-Type: text/plain; format=flowed; delsp=yes\r\n\r\n>> a \r\n> b \r\n-- \r\n',
  'Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b\r\nContent-Type: multipart/related; boundary=c; start="<1>"\r\n\r\n--c\r\nContent-Type: text/html\r\nContent-ID: <1>\r\n\r\n<ul><li>a<blockquote><a href="https://x">b</a></body>\r\n--c\r\nContent-Type: image/png; name=x\r\n\r\ny\r\n--c--\r\n--b\r\nContent-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:u\r\nRECURRENCE-ID;TZID="a:b":20260101T000000\r\nSUMMARY:a\\,b\r\n c\r\nEND:VEVENT\r\n--b--\r\n',
];
const CORPUS_STEP = 40;
const FORMATS: readonly TextFormat[] = [
  'TextOnly',
  'HtmlOnly',
  'HtmlAndTextAlternative',
  'TextEnrichedOnly',
  'TextEnrichedAndTextAlternative',
  'BestBodyFormat',
  'Tnef',
];

export function* seeds(): Iterable<Buffer> {
  for (const seed of OWN_SEEDS) yield Buffer.from(seed, 'latin1');
  if (corpusMissing() !== false) return;
  let index = 0;
  for (const { bytes } of corpusMessages()) if (index++ % CORPUS_STEP === 0) yield bytes;
}

export function run(fuzzed: Buffer): void {
  // The store holds no bare LF.
  const input = new LineEndNormalizer().push(fuzzed);
  const parts = readParts(parseMessage(input).fragment, 0);
  // One wish an input: which one depends on the input alone.
  const format = FORMATS[input.length % FORMATS.length] ?? 'TextOnly';
  const wish: RenderingWish = { format, calendarLinkBase: input.length % 2 === 0 ? 'https://host.example/owa' : null };
  const rendered = renderMessage(input, wish);
  if (rendered === null) return;
  const { bytes } = rendered;
  assert.ok(mayChange(parts, wish), 'rendered though it may not change');
  assert.ok(bytes.length <= renderedBound(input.length, 1), 'grew beyond the bound');
  assert.ok(bytes.subarray(-2).equals(Buffer.from('\r\n')), 'does not end with its line');
  const again = renderMessage(bytes, wish);
  assert.ok(again === null || again.bytes.equals(bytes), 'is rendered again');
}
