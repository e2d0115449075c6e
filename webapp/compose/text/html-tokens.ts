/**
 * HTML that a browser or our sanitizer has written, cut into tags and texts: well-formed, so that a full parser is not
 * needed. For nothing else. Pure, linear.
 */

export type Token =
  | { readonly kind: 'open'; readonly name: string; readonly attributes: ReadonlyMap<string, string> }
  | { readonly kind: 'close'; readonly name: string }
  /** Character references resolved. */
  | { readonly kind: 'text'; readonly text: string };

export const VOID_ELEMENTS: ReadonlySet<string> = new Set(['area', 'br', 'col', 'hr', 'img', 'input', 'wbr']);
/** Their text is no text of the document. */
const RAW_ELEMENTS: ReadonlySet<string> = new Set(['style', 'script', 'title', 'template', 'noscript']);

const TAG = /<!--[\s\S]*?(?:-->|$)|<!doctype[^>]*>|<(\/?)([a-z][^\s/>]*)((?:"[^"]*"|'[^']*'|[^"'>])*)>/giy;
const ATTRIBUTE = /([^\s=/>"']+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g;

export function* htmlTokens(html: string): Generator<Token> {
  let at = 0;
  while (at < html.length) {
    const next = html.indexOf('<', at);
    if (next < 0) {
      yield { kind: 'text', text: unescaped(html.slice(at)) };
      return;
    }
    if (next > at) yield { kind: 'text', text: unescaped(html.slice(at, next)) };
    TAG.lastIndex = next;
    const tag = TAG.exec(html);
    if (tag === null) {
      yield { kind: 'text', text: '<' };
      at = next + 1;
      continue;
    }
    at = next + tag[0].length;
    const [, slash = '', written = '', attributes = ''] = tag;
    if (written === '') continue;
    const name = written.toLowerCase();
    if (slash !== '') {
      yield { kind: 'close', name };
      continue;
    }
    yield { kind: 'open', name, attributes: attributesOf(attributes) };
    if (!RAW_ELEMENTS.has(name)) continue;
    const end = html.toLowerCase().indexOf(`</${name}`, at);
    at = end < 0 ? html.length : end;
  }
}

function attributesOf(text: string): ReadonlyMap<string, string> {
  const attributes = new Map<string, string>();
  for (const [, name = '', double, single, bare] of text.matchAll(ATTRIBUTE))
    if (!attributes.has(name.toLowerCase()))
      attributes.set(name.toLowerCase(), unescaped(double ?? single ?? bare ?? ''));
  return attributes;
}

export const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** Those that serializers write; others stay as they are. */
const NAMED: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: '\u00a0',
};

function unescaped(text: string): string {
  if (!text.includes('&')) return text;
  return text.replaceAll(
    /&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|([a-z]+));/gi,
    (whole, hex?: string, decimal?: string, name?: string) => {
      if (name !== undefined) return NAMED[name.toLowerCase()] ?? whole;
      const point = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
      return point > 0 && point <= 0x10ffff ? String.fromCodePoint(point) : '\ufffd';
    },
  );
}
