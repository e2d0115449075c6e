/**
 * Marks in HTML that is clean already: links whose text shows another host, and what a reader has seen before, the quoted
 * end of a conversation and the signature, so that the reading pane can fold it. Nothing is taken away and nothing of
 * the sender's is added; marks are attributes of ours. Pure, linear.
 */
import { Parser } from 'htmlparser2';
import { misleads } from './addresses.ts';
import { MARKS } from './elements.ts';
import { ID_PREFIX } from './style.ts';

type Fold = 'quote' | 'tail' | 'signature';

/** Text of a link that is looked at. */
const LINK_TEXT_CHARACTERS = 600;

/** How mail programs say what is quoted; ids as they are behind the prefix. */
const QUOTE_CLASSES = new Set([
  'gmail_quote',
  'gmail_quote_container',
  'yahoo_quoted',
  'protonmail_quote',
  'tutanota_quote',
  'zmail_extra',
]);
const SIGNATURE_CLASSES = new Set(['gmail_signature', 'moz-signature', 'protonmail_signature_block']);
const QUOTE_IDS = new Set(['mail-editor-reference-message-container', 'OLK_SRC_BODY_SECTION', 'replySplit']);
/** They stand between the answer and what is quoted: all that follows is. */
const TAIL_IDS = new Set(['divRplyFwdMsg', 'appendonsend', 'x_divRplyFwdMsg', 'ms-outlook-mobile-body-separator-line']);
const SIGNATURE_IDS = new Set(['Signature', 'ms-outlook-mobile-signature', 'AppleMailSignature']);
/** Outlook for Windows draws a line above the header of what it quotes, and says so in no other way. */
const OUTLOOK_RULE = /border-top:solid #(?:E1E1E1|B5C4DF) 1\.0pt/i;

interface Candidate {
  readonly kind: Fold;
  /** Where the attribute goes: in front of the `>` of the start tag. */
  readonly at: number;
  readonly depth: number;
  /** There is something to read behind it. */
  isFollowed: boolean;
}

export function annotate(html: string): { readonly html: string; readonly misleadingLinks: number } {
  const insertions: Array<readonly [at: number, text: string]> = [];
  const all: Candidate[] = [];
  const unanswered: Candidate[] = [];
  let open: Candidate | null = null;
  let hasText = false;
  let depth = 0;
  let misleadingLinks = 0;
  let link: { readonly at: number; readonly href: string; text: string } | null = null;

  const read = (text: string): void => {
    if (link !== null && link.text.length < LINK_TEXT_CHARACTERS) link.text += text;
    if (text.trim() === '' || open !== null) return;
    hasText = true;
    for (const candidate of unanswered.splice(0)) candidate.isFollowed = true;
  };
  const endLink = (): void => {
    if (link === null) return;
    const shown = misleads(link.text, link.href);
    if (shown !== null) {
      misleadingLinks += 1;
      insertions.push([link.at, ` ${MARKS.shows}="${shown}"`]);
    }
    link = null;
  };
  const parser: Parser = new Parser({
    onopentag: (name, attributes) => {
      depth += 1;
      const at = html.endsWith(' />', parser.endIndex + 1) ? parser.endIndex - 2 : parser.endIndex;
      if (name === 'a' && attributes['href'] !== undefined) {
        endLink();
        link = { at, href: attributes['href'], text: '' };
      }
      if (open !== null) return;
      if (name === 'img') read('picture');
      const kind = foldOf(name, attributes);
      if (kind === null || !(hasText || kind === 'signature')) return;
      open = { kind, at, depth, isFollowed: false };
      unanswered.push(open);
      all.push(open);
    },
    ontext: read,
    onclosetag: (name) => {
      if (name === 'a') endLink();
      if (open !== null && open.kind !== 'tail' && open.depth === depth) open = null;
      depth -= 1;
    },
  });
  parser.end(html);
  endLink();
  // Quotes that are answered in between stay open; signatures are folded wherever they are.
  for (const { kind, at, isFollowed } of all)
    if (kind === 'signature' || !isFollowed) insertions.push([at, ` ${MARKS.fold}="${kind}"`]);
  return { html: insert(html, insertions), misleadingLinks };
}

function foldOf(name: string, attributes: Readonly<Record<string, string>>): Fold | null {
  const classes = (attributes['class'] ?? '').split(/\s+/);
  const id = (attributes['id'] ?? '').slice(ID_PREFIX.length);
  if (classes.some((one) => SIGNATURE_CLASSES.has(one)) || SIGNATURE_IDS.has(id)) return 'signature';
  if (TAIL_IDS.has(id) || OUTLOOK_RULE.test(attributes['style'] ?? '')) return 'tail';
  const isQuote =
    // Others are there to indent.
    (name === 'blockquote' && attributes['type'] !== undefined) ||
    classes.some((one) => QUOTE_CLASSES.has(one)) ||
    QUOTE_IDS.has(id);
  return isQuote ? 'quote' : null;
}

function insert(html: string, insertions: Array<readonly [at: number, text: string]>): string {
  let out = '';
  let from = 0;
  for (const [at, text] of insertions.toSorted(([a], [b]) => a - b)) {
    out += html.slice(from, at) + text;
    from = at;
  }
  return out + html.slice(from);
}
