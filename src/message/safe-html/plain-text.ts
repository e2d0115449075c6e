/**
 * Plain text as HTML: every character of it escaped, addresses made links, quotes made of `>` marks nested, soft line
 * ends joined (RFC 3676). The quoted end and the signature are marked as in HTML mail. Pure, linear.
 */
import { ADDRESS_CHARACTERS, linkAddress } from './addresses.ts';
import { MARKS } from './elements.ts';

/** RFC 3676 §4: soft line ends; null: each line stands for itself. */
export interface Flow {
  /** The space in front of a soft line end is no text. */
  readonly deleteSpace: boolean;
}

/** Quotes deeper than this are shown as deep as this. */
export const QUOTE_DEPTH = 20;

interface Line {
  readonly depth: number;
  readonly text: string;
}

/** A stretch of lines on one level. */
interface Block {
  readonly depth: number;
  readonly lines: string[];
}

const TEXT = 'style="white-space:pre-wrap"';
const ATTRIBUTION_LINES = 3;
/** What stands above a quote that has no marks. */
const ORIGINAL = /^(?:-{3,} ?[\p{L} ]{5,60} ?-{3,}|_{20,})$/u;

export function plainTextToHtml(text: string, flow: Flow | null): string {
  const lines = text.split(/\r\n|\r|\n/);
  if (lines.at(-1) === '') lines.pop();
  const blocks = blocksOf(flow === null ? lines.map(fixedLine) : flowedLines(lines, flow));
  const tail = tailOf(blocks);
  let html = '';
  let depth = 0;
  for (const [index, block] of blocks.entries()) {
    if (index === tail?.block) html += startOfTail(block, tail.line, depth);
    const marked = index === tail?.block && tail.line > 0 ? { ...block, lines: block.lines.slice(tail.line) } : block;
    html += turn(depth, marked.depth);
    depth = marked.depth;
    html += paragraph(marked);
  }
  html += turn(depth, 0);
  return tail === null ? html : `${html}</div>`;
}

/** The lines in front of the tail, and the mark that it begins. Both stand outside of all quotes. */
function startOfTail(block: Block, line: number, depth: number): string {
  const before = line > 0 ? turn(depth, block.depth) + paragraph({ ...block, lines: block.lines.slice(0, line) }) : '';
  return `${before}<div ${MARKS.fold}="quote">`;
}

const turn = (from: number, to: number): string =>
  from < to ? '<blockquote type="cite">'.repeat(to - from) : '</blockquote>'.repeat(from - to);

function paragraph({ lines, depth }: Block): string {
  const mark = depth === 0 ? lines.findIndex((line) => line === '-- ') : -1;
  if (mark < 0) return `<div ${TEXT}>${lines.map(withLinks).join('\n')}</div>`;
  const before = lines.slice(0, mark).map(withLinks).join('\n');
  const signature = lines.slice(mark).map(withLinks).join('\n');
  return `${before === '' ? '' : `<div ${TEXT}>${before}</div>`}<div ${TEXT} ${MARKS.fold}="signature">${signature}</div>`;
}

/** `> > text` and `>> text` are both two levels deep. */
function fixedLine(line: string): Line {
  const marks = /^(?:> ?){1,60}/.exec(line)?.[0] ?? '';
  if (marks === '') return { depth: 0, text: line };
  return { depth: Math.min(QUOTE_DEPTH, marks.replaceAll(' ', '').length), text: line.slice(marks.length) };
}

/** §4.5: a line that ends with a space goes on with the next of the same depth. */
function flowedLines(lines: readonly string[], { deleteSpace }: Flow): Line[] {
  const joined: Array<{ readonly depth: number; text: string }> = [];
  let isSoft = false;
  for (const line of lines) {
    let marks = 0;
    while (line[marks] === '>') marks += 1;
    const depth = Math.min(marks, QUOTE_DEPTH);
    // §4.4: space-stuffing.
    const content = line[marks] === ' ' ? line.slice(marks + 1) : line.slice(marks);
    // §4.3: a signature's mark is never soft.
    const endsSoft = content.endsWith(' ') && content !== '-- ';
    const shown = endsSoft && deleteSpace ? content.slice(0, -1) : content;
    const last = joined.at(-1);
    if (isSoft && last?.depth === depth && content !== '-- ') last.text += shown;
    else joined.push({ depth, text: shown });
    isSoft = endsSoft;
  }
  return joined;
}

function blocksOf(lines: readonly Line[]): Block[] {
  const blocks: Block[] = [];
  for (const { depth, text } of lines) {
    const last = blocks.at(-1);
    if (last?.depth === depth) last.lines.push(text);
    else blocks.push({ depth, lines: [text] });
  }
  return blocks;
}

/**
 * Where the end begins that the reader has seen before: the last quote with nothing but a signature behind it and
 * something in front of it, with the line that says who wrote it.
 */
function tailOf(blocks: readonly Block[]): { readonly block: number; readonly line: number } | null {
  for (const [block, { depth, lines }] of blocks.entries()) {
    if (depth > 0) continue;
    const line = lines.findIndex((one) => ORIGINAL.test(one.trim()));
    if (line > 0 || (line === 0 && block > 0)) return { block, line };
  }
  let first = blocks.length;
  while (first > 0 && (blocks[first - 1]!.depth > 0 || isEmpty(blocks[first - 1]!))) first -= 1;
  while (first < blocks.length && blocks[first]!.depth === 0) first += 1;
  if (first === blocks.length || first === 0) return null;
  const before = blocks[first - 1]!;
  let line = before.lines.length;
  while (line > 0 && before.lines[line - 1]!.trim() === '') line -= 1;
  if (line === 0) return null;
  // "On Monday, 30 November, Jörg <joerg@example.test> wrote:" in one line or in several.
  if (!before.lines[line - 1]!.trimEnd().endsWith(':')) return { block: first, line: 0 };
  let start = line - 1;
  while (start > 0 && line - start < ATTRIBUTION_LINES && before.lines[start - 1]!.trim() !== '') start -= 1;
  return start === 0 ? { block: first, line: 0 } : { block: first - 1, line: start };
}

/** Nothing, or a signature. */
function isEmpty({ lines }: Block): boolean {
  const first = lines.find((line) => line.trim() !== '');
  return first === undefined || first === '-- ';
}

const LINK =
  /\b(?:https?:\/\/|www\.)[^\s<>"'`\u200b\u2028]{2,2000}|\bmailto:[^\s<>"]{3,300}|[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}/gi;

function withLinks(line: string): string {
  if (!/@|:\/\/|www\.|mailto:/i.test(line)) return escape(line);
  let html = '';
  let from = 0;
  for (const match of line.matchAll(LINK)) {
    const shown = withoutPunctuation(match[0]);
    const address = linkAddress(addressOf(shown));
    if (address === null || address.length > ADDRESS_CHARACTERS) continue;
    html += escape(line.slice(from, match.index));
    html += `<a href="${escape(address)}" target="_blank" rel="noopener noreferrer nofollow">${escape(shown)}</a>`;
    from = match.index + shown.length;
  }
  return html + escape(line.slice(from));
}

function addressOf(shown: string): string {
  if (/^www\./i.test(shown)) return `https://${shown}`;
  return /^(?:https?|mailto):/i.test(shown) ? shown : `mailto:${shown}`;
}

/** What ends a sentence is no part of an address, nor is a bracket that was opened in front of it. */
function withoutPunctuation(address: string): string {
  let end = address.length;
  for (; end > 0; end -= 1) {
    const last = address[end - 1]!;
    if (last === ')' ? isOpened(address.slice(0, end)) : !/[.,;:!?\]}*_~|]/.test(last)) break;
  }
  return address.slice(0, end);
}

const isOpened = (text: string): boolean => text.split('(').length >= text.split(')').length;

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
export const escape = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (character) => ESCAPES[character] ?? character).replaceAll('\0', '\ufffd');
