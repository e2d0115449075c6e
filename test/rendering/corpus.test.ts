/**
 * Must show 3: each MIME format on 200 messages of the corpus, each calendar option on all its invitations. Rendered
 * messages are valid MIME to two foreign parsers, keep every file, hold the forms asked for, and are rendered no more.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test, type TestContext } from 'node:test';
import { readParts, SECTION, sectionEnd, sectionStart } from '../../src/message/fragment.ts';
import { LineEndNormalizer } from '../../src/message/line-ends.ts';
import { mayChange, renderMessage } from '../../src/message/render/render.ts';
import type { RenderingWish, TextFormat } from '../../src/message/render/wish.ts';
import { parseMessage } from '../../src/message/scanner.ts';
import { decodeTransfer } from '../../src/message/transfer-encoding.ts';
import { RENDERED_TEXT_BYTES } from '../../src/wire/limits.ts';
import { corpusMessages, corpusMissing } from '../support/corpus.ts';
import { type BodyTree, FetchGrammar } from '../support/fetch-grammar.ts';
import {
  dovecotMissing,
  dovecotViews,
  type PythonLeaf,
  type PythonView,
  pythonMissing,
  pythonViews,
  skeleton,
} from './foreign-parsers.ts';
import { readTnef } from './tnef-reader.ts';

interface Sample {
  readonly name: string;
  readonly bytes: Buffer;
}

const SAMPLES = 200;
const BODIES: Readonly<Record<Exclude<TextFormat, 'BestBodyFormat'>, readonly string[]>> = {
  TextOnly: ['text/plain'],
  HtmlOnly: ['text/html'],
  HtmlAndTextAlternative: ['text/plain', 'text/html'],
  TextEnrichedOnly: ['text/enriched', 'text/richtext'],
  TextEnrichedAndTextAlternative: ['text/plain', 'text/enriched', 'text/richtext'],
  Tnef: ['text/plain'],
};
const BODY_TYPES = new Set(['text/plain', 'text/html', 'text/enriched', 'text/richtext']);
const BASES: Readonly<Record<'IntranetUrl' | 'InternetUrl' | 'Custom', string>> = {
  IntranetUrl: 'https://mail.contoso.example',
  InternetUrl: 'https://outside.contoso.example',
  Custom: 'https://owa.contoso.example/owa/',
};
const LINK = /https:\/\/[\w./-]+\/calendar\/item\/([\w-]{22})/;

const samples: Sample[] = [];
const invitations: Sample[] = [];
if (corpusMissing() === false) {
  const all = [...corpusMessages()];
  const step = Math.floor(all.length / SAMPLES);
  for (const [index, { name, bytes }] of all.entries()) {
    if (index % step === 0 && samples.length < SAMPLES)
      samples.push({ name, bytes: new LineEndNormalizer().push(bytes) });
    if (bytes.includes('text/calendar')) invitations.push({ name, bytes: new LineEndNormalizer().push(bytes) });
  }
}

/** What every rendering promises; null: served as it is. */
function rendered({ name, bytes }: Sample, wish: RenderingWish): Buffer | null {
  const out = renderMessage(bytes, wish)?.bytes ?? null;
  if (out === null) return null;
  assert.ok(
    mayChange(readParts(parseMessage(bytes).fragment, 0), wish),
    `${name}: was rendered though it may not change`,
  );
  assert.deepEqual(renderMessage(bytes, wish)?.bytes, out, `${name}: differs the second time`);
  assert.deepEqual(renderMessage(out, wish)?.bytes ?? out, out, `${name}: rendered again it differs`);
  assert.ok(out.subarray(-2).equals(Buffer.from('\r\n')), `${name}: does not end with its line`);
  return out;
}

const bodiesOf = ({ leaves }: PythonView): PythonLeaf[] =>
  leaves.filter((leaf) => BODY_TYPES.has(leaf.type) && leaf.name === null && leaf.disposition !== 'attachment');

function checkByPython(name: string, before: PythonView, after: PythonView): void {
  const known = new Set(before.defects);
  for (const defect of after.defects) assert.ok(known.has(defect), `${name}: ${defect}`);
}

/** SHA-1 of each attachment in winmail.dat. */
function filesInTnef(bytes: Buffer): string[] {
  const part = readParts(parseMessage(bytes).fragment, 0).find(({ mediaType }) => mediaType === 'application/ms-tnef');
  assert.ok(part !== undefined);
  const tnef = readTnef(decodeTransfer(bytes.subarray(part.bodyStart, part.bodyEnd), part.encoding));
  return tnef.attachments.map(({ data }) => createHash('sha1').update(data).digest('hex'));
}

/** Originals are the same for every format: they are looked at once. */
function once<T>(look: (messages: readonly Buffer[]) => Promise<T[]>): (messages: readonly Buffer[]) => Promise<T[]> {
  const seen = new Map<Buffer, T>();
  return async (messages) => {
    const unseen = messages.filter((message) => !seen.has(message));
    for (const [index, view] of (await look(unseen)).entries()) seen.set(unseen[index]!, view);
    return messages.map((message) => seen.get(message)!);
  };
}
const originalsByPython = once(pythonViews);
const originalsByDovecot = once(dovecotViews);

/** Dovecot sees a rendered message as we do, where it sees the original so. */
async function checkByDovecot(
  t: TestContext,
  pairs: ReadonlyArray<{ name: string; before: Buffer; after: Buffer }>,
): Promise<void> {
  const originals = await originalsByDovecot(pairs.map(({ before }) => before));
  const trees = await dovecotViews(pairs.map(({ after }) => after));
  let agreed = 0;
  for (const [index, { name, before, after }] of pairs.entries()) {
    const [original, out] = [originals[index] ?? null, trees[index] ?? null];
    if (original === null || skeleton(original) !== skeleton(ownTree(before))) continue;
    assert.ok(out !== null, `${name}: Dovecot gives no structure`);
    assert.equal(skeleton(out), skeleton(ownTree(after)), name);
    agreed += 1;
  }
  t.diagnostic(`Dovecot agrees on ${agreed} of ${pairs.length} rendered messages, and on their originals`);
  assert.ok(agreed > pairs.length * 0.8, `Dovecot saw only ${agreed} of ${pairs.length} originals as we do`);
}

function ownTree(bytes: Buffer): BodyTree {
  const { fragment } = parseMessage(bytes);
  const grammar = new FetchGrammar(
    fragment,
    sectionStart(fragment, 0, SECTION.bodyStructure) + ' BODYSTRUCTURE '.length,
    sectionEnd(fragment, 0, SECTION.bodyStructure),
  );
  return grammar.body(true);
}

describe('MIME formats on 200 messages', { skip: corpusMissing() }, () => {
  for (const format of [
    'TextOnly',
    'HtmlOnly',
    'HtmlAndTextAlternative',
    'TextEnrichedOnly',
    'TextEnrichedAndTextAlternative',
    'Tnef',
  ] as const) {
    const wish: RenderingWish = { format, calendarLinkBase: null };
    const converted = (): Array<{ name: string; before: Buffer; after: Buffer }> =>
      samples.flatMap((sample) => {
        const after = rendered(sample, wish);
        return after === null ? [] : [{ name: `${format} ${sample.name}`, before: sample.bytes, after }];
      });

    test(`${format}: forms and files, by Python's email`, { skip: pythonMissing() }, async (t) => {
      assert.equal(samples.length, SAMPLES);
      const pairs = converted();
      assert.ok(pairs.length >= 20, `only ${pairs.length} messages are rendered`);
      const originals = await originalsByPython(pairs.map(({ before }) => before));
      const views = await pythonViews(pairs.map(({ after }) => after));
      assert.equal(views.length, pairs.length);
      let bodies = 0;
      for (const [index, { name, after: out }] of pairs.entries()) {
        const [before, after] = [originals[index], views[index]];
        assert.ok(before !== undefined && after !== undefined);
        checkByPython(name, before, after);
        // What Python reads otherwise than we do cannot be compared part by part.
        if (before.defects.length > 0 || before.leaves.some(({ type }) => type.includes('delivery-status'))) continue;
        for (const leaf of bodiesOf(after))
          assert.ok(BODIES[format].includes(leaf.type), `${name}: holds ${leaf.type}`);
        bodies += bodiesOf(after).length;
        const left = format === 'Tnef' ? filesInTnef(out) : after.leaves.map(({ hash }) => hash);
        for (const leaf of before.leaves) {
          // Enclosed messages are not looked into; TNEF there was is served as it is.
          if (leaf.type.startsWith('text/') || (format === 'Tnef' && leaf.type.startsWith('message/'))) continue;
          const at = left.indexOf(leaf.hash);
          assert.ok(at >= 0, `${name}: ${leaf.type} ${leaf.name ?? ''} is lost or changed`);
          left.splice(at, 1);
        }
      }
      t.diagnostic(`${pairs.length} of ${samples.length} messages are rendered; Python sees ${bodies} bodies in them`);
    });

    test(`${format}: structure and sizes, by Dovecot`, { skip: dovecotMissing() }, (t) =>
      checkByDovecot(t, converted()),
    );
  }

  test('BestBodyFormat serves every message as it is', () => {
    for (const { bytes } of samples)
      assert.equal(renderMessage(bytes, { format: 'BestBodyFormat', calendarLinkBase: null }), null);
  });
});

describe('calendar options on all invitations', { skip: corpusMissing() }, () => {
  test('iCalendar serves them as they are', () => {
    assert.ok(invitations.length >= 25, `only ${invitations.length} were found`);
    for (const { bytes } of invitations)
      assert.equal(renderMessage(bytes, { format: 'BestBodyFormat', calendarLinkBase: null }), null);
  });

  for (const [option, base] of Object.entries(BASES)) {
    test(`${option}: a link in each form of the body, no calendar`, { skip: pythonMissing() }, async (t) => {
      const wish: RenderingWish = { format: 'BestBodyFormat', calendarLinkBase: base };
      const pairs = invitations.flatMap((sample) => {
        const after = rendered(sample, wish);
        return after === null ? [] : [{ name: sample.name, before: sample.bytes, after }];
      });
      const originals = await originalsByPython(pairs.map(({ before }) => before));
      const views = await pythonViews(pairs.map(({ after }) => after));
      for (const [index, { name }] of pairs.entries()) {
        const [before, after] = [originals[index], views[index]];
        assert.ok(before !== undefined && after !== undefined);
        checkByPython(name, before, after);
        assert.ok(
          !after.leaves.some((leaf) => leaf.type === 'text/calendar' && leaf.method !== null),
          `${name}: the calendar is there`,
        );
        const links = bodiesOf(after).map(({ text }) => LINK.exec(text ?? '')?.[0] ?? null);
        assert.ok(links[0]?.startsWith(base.replace(/\/$/, '')), `${name}: the first body has no link`);
        assert.equal(new Set(links.filter((link) => link !== null)).size, 1, `${name}: links differ`);
      }
      t.diagnostic(`${pairs.length} of ${invitations.length} messages with a calendar are meetings and get a link`);
      assert.ok(pairs.length >= 15, `only ${pairs.length} invitations were rendered`);
    });
  }

  test('structure and sizes, by Dovecot', { skip: dovecotMissing() }, async (t) => {
    const pairs = invitations.flatMap((sample) => {
      const after = rendered(sample, { format: 'TextOnly', calendarLinkBase: BASES.IntranetUrl });
      return after === null ? [] : [{ name: sample.name, before: sample.bytes, after }];
    });
    await checkByDovecot(t, pairs);
  });
});

test('the largest text that is converted takes a bounded time', () => {
  const line = '<p>a <b>bold</b> &amp; plain text</p>\r\n';
  const html = line.repeat(Math.floor(RENDERED_TEXT_BYTES / line.length));
  const bytes = Buffer.from(`Content-Type: text/html\r\n\r\n${html}`);
  const wish: RenderingWish = { format: 'HtmlAndTextAlternative', calendarLinkBase: null };
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 5; round += 1) {
    const started = performance.now();
    assert.ok(renderMessage(bytes, wish) !== null);
    best = Math.min(best, performance.now() - started);
  }
  assert.ok(best < 200, `${best} ms`);
});
