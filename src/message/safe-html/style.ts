/**
 * CSS of mail, rebuilt from what is known to be harmless: properties that set type, boxes and tables, values made of
 * words, numbers, colours and strings. No address gets through but those of pictures that may be shown; nothing that
 * takes an element out of its place, moves it, or reads its attributes. CSS Syntax 3 is not parsed: what this reader
 * does not understand is left out, so that a browser never sees it. Pure, linear.
 */

/** What a style asks for beyond words and numbers. */
export interface StyleSink {
  /** Address as a style may use it, null: not shown. */
  picture(address: string): string | null;
  /** A colour of the sender's own, not that of all paper and ink. */
  ownColour(): void;
}

/** Characters of one style attribute that are read. */
export const STYLE_CHARACTERS = 8 * 1024;
/** Characters of the style sheets of one message that are read. */
export const STYLE_SHEET_CHARACTERS = 128 * 1024;
const VALUE_CHARACTERS = 500;
const SELECTOR_CHARACTERS = 500;

const BOX_SIDES = ['', '-top', '-right', '-bottom', '-left'];
const PROPERTIES = new Set([
  ...'background background-color background-image background-position background-repeat background-size color'.split(
    ' ',
  ),
  ...'font font-family font-size font-stretch font-style font-variant font-weight letter-spacing line-height'.split(
    ' ',
  ),
  ...'text-align text-decoration text-decoration-color text-decoration-line text-decoration-style'.split(' '),
  ...'text-indent text-overflow text-transform vertical-align white-space word-break word-spacing word-wrap'.split(' '),
  ...'overflow-wrap hyphens direction quotes tab-size'.split(' '),
  ...BOX_SIDES.flatMap((side) => [`margin${side}`, `padding${side}`]),
  ...BOX_SIDES.flatMap((side) => ['', '-color', '-style', '-width'].map((what) => `border${side}${what}`)),
  ...'border-collapse border-spacing border-radius border-top-left-radius border-top-right-radius'.split(' '),
  ...'border-bottom-left-radius border-bottom-right-radius box-shadow box-sizing caption-side empty-cells'.split(' '),
  ...'width min-width max-width height min-height max-height display float clear overflow overflow-x overflow-y'.split(
    ' ',
  ),
  ...'table-layout visibility opacity list-style list-style-position list-style-type'.split(' '),
  ...'align-items align-content align-self justify-content flex flex-basis flex-direction flex-grow'.split(' '),
  ...'flex-shrink flex-wrap gap row-gap column-gap'.split(' '),
]);
const PICTURE_PROPERTIES = new Set(['background', 'background-image']);

/** Words, numbers, colours, separators, strings without anything to end them early. */
const VALUE = /^(?:[\w\s#.,%+*/()-]|"[\w\s.,+&-]*"|'[\w\s.,+&-]*')*$/;
const FUNCTIONS = new Set(['rgb', 'rgba', 'hsl', 'hsla', 'calc', 'min', 'max', 'clamp']);
const FUNCTION = /([\w-]*)\(/g;
const PICTURE = /(?<![\w-])url\(\s*(?:"([^"]*)"|'([^']*)'|([^"'()\s]*))\s*\)/gi;
/** Stands in a value for a picture while the rest of it is looked at. */
const HELD = 'penfold-picture-';
const HELD_PICTURE = /penfold-picture-(\d{1,4})/g;

/** `color:red;width:10px`; empty when nothing is left. */
export function safeDeclarations(style: string, sink: StyleSink, isLink = false): string {
  const safe: string[] = [];
  for (const declaration of split(withoutComments(style.slice(0, STYLE_CHARACTERS)), ';')) {
    const colon = declaration.indexOf(':');
    if (colon < 0) continue;
    const property = declaration.slice(0, colon).trim().toLowerCase();
    if (!PROPERTIES.has(property)) continue;
    const value = safeValue(property, declaration.slice(colon + 1).trim(), sink);
    if (value === null) continue;
    if (hasOwnColour(property, value, isLink)) sink.ownColour();
    safe.push(`${property}:${value}`);
  }
  return safe.join(';');
}

function safeValue(property: string, written: string, sink: StyleSink): string | null {
  const important = /\s*!\s*important$/i.exec(written);
  const pictures: Array<string | null> = [];
  let value = important === null ? written : written.slice(0, important.index);
  if (value === '' || value.includes(HELD)) return null;
  if (PICTURE_PROPERTIES.has(property)) {
    value = value.replaceAll(PICTURE, (_, double?: string, single?: string, bare?: string) => {
      pictures.push(sink.picture(double ?? single ?? bare ?? ''));
      return ` ${HELD}${pictures.length - 1} `;
    });
  }
  if (value.length > VALUE_CHARACTERS || !VALUE.test(value)) return null;
  for (const [, name = ''] of value.matchAll(FUNCTION))
    if (!FUNCTIONS.has(name.toLowerCase()) && name !== '') return null;
  value = value.replaceAll(HELD_PICTURE, (_, number: string) => {
    const picture = pictures[Number(number)];
    return picture === null || picture === undefined ? 'none' : `url("${cssAddress(picture)}")`;
  });
  return `${value.trim()}${important === null ? '' : ' !important'}`;
}

/** Within quotes of a style sheet in HTML: what could end any of the three. */
const cssAddress = (address: string): string =>
  address.replaceAll(/["'()\\\s<>]/g, (character) => `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`);

const PAPER =
  /^(?:transparent|none|initial|inherit|unset|white|window|#fff|#ffffff|rgba?\(255,\s*255,\s*255(?:,\s*[\d.]+)?\))$/i;
const INK =
  /^(?:initial|inherit|unset|currentcolor|black|windowtext|#000|#000000|rgba?\(0,\s*0,\s*0(?:,\s*[\d.]+)?\))$/i;

/** Whether this says how the message is to be seen, so that it may not be shown on dark paper. */
export function hasOwnColour(property: string, value: string, isLink: boolean): boolean {
  const plain = value.replace(/\s*!important$/, '');
  if (property === 'background-color') return !PAPER.test(plain);
  if (property === 'background')
    return !plain.split(/\s+(?![^(]*\))/).every((part) => PAPER.test(part) || !isColour(part));
  // Links have their own colour in every mail program.
  if (property === 'color') return !isLink && !INK.test(plain);
  return false;
}
const isColour = (part: string): boolean =>
  /^(?:#|rgb|hsl|[a-z]{3,}$)/i.test(part) && !NO_COLOURS.has(part.toLowerCase());
const NO_COLOURS = new Set([
  'repeat',
  'no-repeat',
  'repeat-x',
  'repeat-y',
  'scroll',
  'fixed',
  'center',
  'top',
  'left',
  'right',
  'bottom',
  'cover',
  'contain',
  'auto',
]);

/** What an id or a class of mail may consist of; ids get this in front, so that none is one of the app's. */
export const ID_PREFIX = 'm-';
/** Names the element that stands for the body of the mail. */
export const BODY_MARK = 'data-mail-body';

/** Rules of a `<style>` element that may stand in the frame, as text. */
export function safeStyleSheet(css: string, sink: StyleSink): string {
  return safeRules(withoutComments(css.slice(0, STYLE_SHEET_CHARACTERS).replaceAll(/<!--|-->/g, ' ')), sink, false);
}

function safeRules(css: string, sink: StyleSink, isNested: boolean): string {
  const rules: string[] = [];
  for (let at = 0; at < css.length; ) {
    const open = css.indexOf('{', at);
    const end = css.indexOf(';', at);
    const isStatement =
      css
        .slice(at, at + 200)
        .trimStart()
        .startsWith('@') &&
      end >= 0 &&
      (open < 0 || end < open);
    if (isStatement) {
      // @import, @charset, @namespace
      at = end + 1;
      continue;
    }
    if (open < 0) break;
    const prelude = css.slice(at, open).trim();
    const close = blockEnd(css, open);
    const block = css.slice(open + 1, close);
    at = close + 1;
    if (prelude.startsWith('@')) {
      const condition = isNested ? null : safeMedia(prelude);
      const inner = condition === null ? '' : safeRules(block, sink, true);
      if (inner !== '') rules.push(`@media ${condition}{${inner}}`);
      continue;
    }
    const selector = safeSelector(prelude);
    if (selector === null || block.includes('{')) continue;
    const declarations = safeDeclarations(block, sink, /^a\b|\ba(?::\w+)?$/i.test(prelude));
    if (declarations !== '') rules.push(`${selector}{${declarations}}`);
  }
  return rules.join('\n');
}

/** Of the `{` at `open`; the end of the text when it is never closed. */
function blockEnd(css: string, open: number): number {
  let depth = 0;
  for (let at = open; at < css.length; at += 1) {
    const code = css.charCodeAt(at);
    if (code === 0x7b) depth += 1;
    else if (code === 0x7d) {
      depth -= 1;
      if (depth === 0) return at;
    }
  }
  return css.length;
}

/**
 * Conditions about the size of the window, which in the frame is that of the message. Dark forms of a message are left
 * out: whether it is dark around the frame is the app's choice, and the medium would say what the system's is.
 */
function safeMedia(prelude: string): string | null {
  const condition = /^@media\s+([\w\s(),:.-]{1,200})$/i.exec(prelude)?.[1]?.trim() ?? '';
  return condition === '' || /prefers-|print/i.test(condition) ? null : condition;
}

const PSEUDO =
  /::?(?:hover|link|visited|active|focus|first-child|last-child|first-of-type|last-of-type|nth-child\([\w\s+-]{1,20}\))/gi;

function safeSelector(written: string): string | null {
  if (written.length > SELECTOR_CHARACTERS || !/^[\w\s.#>+~*,:()-]+$/.test(written)) return null;
  if (/[:()]/.test(written.replaceAll(PSEUDO, ''))) return null;
  return written
    .replaceAll('#', `#${ID_PREFIX}`)
    .replaceAll(/(^|[\s>+~,])(?:html|body)(?![\w-])/gi, `$1[${BODY_MARK}]`)
    .replaceAll(/\s+/g, ' ');
}

function withoutComments(css: string): string {
  if (!css.includes('/*')) return css;
  let out = '';
  for (let at = 0; ; ) {
    const open = css.indexOf('/*', at);
    if (open < 0) return out + css.slice(at);
    out += `${css.slice(at, open)} `;
    const close = css.indexOf('*/', open + 2);
    if (close < 0) return out;
    at = close + 2;
  }
}

/** At each `separator` that stands neither in a string nor in brackets. */
function split(text: string, separator: string): string[] {
  const parts: string[] = [];
  let quote = '';
  let depth = 0;
  let start = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at]!;
    if (quote !== '') {
      if (character === quote) quote = '';
    } else if (character === '"' || character === "'") quote = character;
    else if (character === '(') depth += 1;
    else if (character === ')') depth = Math.max(0, depth - 1);
    else if (character === separator && depth === 0) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}
