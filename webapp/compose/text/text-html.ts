/**
 * Plain text as the editor's HTML: what stays when the format becomes rich, and how a plain original is quoted. A line
 * is a paragraph, quotes become quotes, addresses on the web links. Pure, linear.
 */
import { escaped } from './html-tokens.ts';

const QUOTE_DEPTH = 32;

export function textToHtml(text: string): string {
  const out: string[] = [];
  let depth = 0;
  for (const line of text.replaceAll(/\r\n?/g, '\n').replace(/\n$/, '').split('\n')) {
    const marks = /^(?:> ?)*>/.exec(line)?.[0] ?? '';
    const quotes = Math.min(marks.replaceAll(' ', '').length, QUOTE_DEPTH);
    out.push(quotes > depth ? '<blockquote>'.repeat(quotes - depth) : '</blockquote>'.repeat(depth - quotes));
    depth = quotes;
    out.push(`<p>${lineHtml(marks === '' ? line : line.slice(marks.length).replace(/^ /, ''))}</p>`);
  }
  out.push('</blockquote>'.repeat(depth));
  return out.join('');
}

/** Spaces that HTML would lose are kept; what looks like an address on the web is a link. */
function lineHtml(line: string): string {
  const text = line.replaceAll('\t', '    ').replaceAll(/ {2,}|^ | $/g, (spaces) => '\u00a0'.repeat(spaces.length));
  let html = '';
  let from = 0;
  for (const { 0: found, index } of text.matchAll(/https?:\/\/[^\s<>"]+/gi)) {
    const address = found.replace(/[.,;:!?'*_)\]}]+$/, '');
    html += `${escaped(text.slice(from, index))}<a href="${escaped(address)}">${escaped(address)}</a>`;
    from = index + address.length;
  }
  return html + escaped(text.slice(from));
}
