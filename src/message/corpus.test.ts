/** The parser on every message of the shared corpus: strict grammar, nesting, and the same bytes when streamed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { corpusMessages, corpusMissing } from '../../test/support/corpus.ts';
import { type BodyTree, FetchGrammar } from '../../test/support/fetch-grammar.ts';
import {
  fragmentLength,
  fragmentVersion,
  headerLength,
  readParts,
  readPreview,
  readSearchText,
  readSortFields,
  SECTION,
  type Section,
  sectionEnd,
  sectionStart,
} from './fragment.ts';
import { LineEndNormalizer } from './line-ends.ts';
import { PARSER_VERSION, type Part } from './model.ts';
import { MessageScanner, parseMessage } from './scanner.ts';
import { searchableText } from './search-text.ts';
import { sectionRange } from './sections.ts';

/** Messages whose whole text is decoded as well; all of them would take too long here. */
const SEARCHED_EVERY = 4;

test('every corpus message parses to strict grammar and nested parts', { skip: corpusMissing() }, () => {
  let count = 0;
  for (const { name, bytes: original } of corpusMessages()) {
    const bytes = new LineEndNormalizer().push(original);
    try {
      checkMessage(bytes, count % SEARCHED_EVERY === 0);
      if (count % SEARCHED_EVERY === 1 && bytes !== original) checkMessage(original, false);
    } catch (error) {
      throw new Error(`${name}: ${String(error)}`, { cause: error });
    }
    count += 1;
  }
  assert.ok(count > 6000, `only ${count} messages were found`);
});

test('a corpus message in random pieces gives the same fragment', { skip: corpusMissing() }, () => {
  const random = new Random(20_261_123);
  for (const { name, bytes } of corpusMessages()) {
    const whole = parseMessage(bytes);
    const scanner = new MessageScanner();
    const largest = random.below(3) === 0 ? 20 : 20_000;
    for (let at = 0; at < bytes.length; ) {
      const size = 1 + random.below(bytes.length > 50_000 ? 20_000 : largest);
      scanner.write(Buffer.from(bytes.subarray(at, at + size)));
      at += size;
    }
    const streamed = scanner.end();
    assert.ok(streamed.fragment.equals(whole.fragment), `${name} differs when streamed`);
    assert.deepEqual({ ...streamed, fragment: null }, { ...whole, fragment: null }, name);
  }
});

function checkMessage(bytes: Buffer, deep: boolean): void {
  const parsed = parseMessage(bytes);
  const { fragment } = parsed;
  assert.equal(fragmentLength(fragment, 0), fragment.length);
  assert.equal(fragmentVersion(fragment, 0), PARSER_VERSION);
  assert.equal(parsed.size, bytes.length);
  assert.ok(headerLength(fragment, 0) <= bytes.length);
  for (const key of parsed.threadKeys) assert.ok(Number.isSafeInteger(key) && key > 0);

  section(fragment, SECTION.envelope, ' ENVELOPE ', (grammar) => grammar.envelope());
  const structure = section(fragment, SECTION.bodyStructure, ' BODYSTRUCTURE ', (grammar) => grammar.body(true));
  const body = section(fragment, SECTION.body, ' BODY ', (grammar) => grammar.body(false));
  assert.deepEqual(outline(body), outline(structure), 'BODY and BODYSTRUCTURE tell different trees');

  const parts = readParts(fragment, 0);
  checkNesting(parts, bytes.length);
  assert.deepEqual(
    flat(structure).map((part) => [`${part.type}/${part.subtype}`, part.octets]),
    parts.map((part) => [
      part.mediaType,
      part.mediaType.startsWith('multipart/') ? null : part.bodyEnd - part.bodyStart,
    ]),
    'BODYSTRUCTURE and the parts table tell different trees',
  );
  checkLines(structure, parts, bytes);
  for (const part of parts) assert.notEqual(sectionRange(parts, part.path, 'body'), null);

  for (const field of ['subject', 'from', 'to', 'cc', 'bcc'] as const) {
    const { start, end } = readSearchText(fragment, 0, field);
    assert.ok(start <= end && end <= sectionEnd(fragment, 0, SECTION.search));
  }
  assert.equal(readSortFields(fragment, 0).baseSubject, parsed.baseSubject);
  assert.ok(Array.from(readPreview(fragment, 0)).length <= 200);
  if (deep) searchableText(bytes, parts);
}

function section<T>(fragment: Buffer, which: Section, label: string, read: (grammar: FetchGrammar) => T): T {
  const grammar = new FetchGrammar(fragment, sectionStart(fragment, 0, which), sectionEnd(fragment, 0, which));
  grammar.expect(label);
  const result = read(grammar);
  grammar.finish();
  return result;
}

function outline(tree: BodyTree): unknown {
  return [tree.type, tree.subtype, tree.octets, tree.lines, tree.children.map(outline)];
}

function flat(tree: BodyTree): BodyTree[] {
  return [tree, ...tree.children.flatMap(flat)];
}

function checkLines(structure: BodyTree, parts: readonly Part[], bytes: Buffer): void {
  for (const [index, tree] of flat(structure).entries()) {
    const part = parts[index];
    if (tree.lines === null || part === undefined) continue;
    let lines = 0;
    for (let at = bytes.indexOf(10, part.bodyStart); at >= 0 && at < part.bodyEnd; at = bytes.indexOf(10, at + 1)) {
      lines += 1;
    }
    assert.equal(tree.lines, lines, `lines of part ${part.path.join('.')}`);
  }
}

/** Parents come before children, children lie inside their parent's body, neighbours do not overlap. */
function checkNesting(parts: readonly Part[], size: number): void {
  const open: Part[] = [];
  for (const part of parts) {
    assert.ok(part.headerStart <= part.bodyStart && part.bodyStart <= part.bodyEnd && part.bodyEnd <= size);
    let parent = open.at(-1);
    while (parent !== undefined && part.headerStart >= parent.bodyEnd && part.bodyEnd > parent.bodyEnd) {
      open.pop();
      parent = open.at(-1);
    }
    if (parent !== undefined) {
      assert.ok(part.headerStart >= parent.bodyStart && part.bodyEnd <= parent.bodyEnd, 'a part sticks out');
    }
    open.push(part);
  }
}

/** xorshift32 */
class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  below(limit: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % limit;
  }
}
