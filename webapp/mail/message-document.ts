/**
 * What stands in the frame of a message around what the sender wrote: type, paper and ink, quoted ends to open, where
 * links with a false face really lead. Works on the frame's document; knows no React.
 */

export interface MessageWords {
  readonly showQuoted: string;
  readonly pictureBlocked: string;
  /** `host`: where the link leads. */
  readonly leadsTo: (host: string) => string;
}

/** Resolved colours of the place where the frame stands. */
export interface Paper {
  readonly isDark: boolean;
  readonly ink: string;
  readonly muted: string;
  readonly link: string;
  readonly rule: string;
  readonly font: string;
}

/** The sender's own marks are taken off by the server: these can only be the server's. */
const FOLD = 'data-mail-fold';
const SHOWS = 'data-mail-shows';
const BLOCKED = 'data-mail-blocked';

/** @param hasOwnColours white paper whatever is around it */
export function styleOf(paper: Paper, hasOwnColours: boolean): string {
  const onWhite = hasOwnColours;
  const ink = onWhite ? '#17202a' : paper.ink;
  const dark = paper.isDark && !onWhite;
  return `
:root { color-scheme: ${dark ? 'dark' : 'light'}; background: ${onWhite ? '#ffffff' : 'transparent'}; overflow-y: hidden; }
body { margin: 0; ${onWhite ? 'padding: 12px; ' : ''}color: ${ink}; font: 15px/1.5 ${paper.font}; overflow-wrap: anywhere; }
${dark ? `body * { color: inherit !important; background-color: transparent !important; }` : ''}
a { color: ${onWhite ? '#1d5f8a' : paper.link}${dark ? ' !important' : ''}; }
body > p:first-child { margin-top: 0; }
pre { white-space: pre-wrap; }
blockquote[type='cite'] { margin: 4px 0; padding-left: 12px; border-left: 2px solid ${paper.rule}; }
[${FOLD}='signature'] { opacity: 0.75; }
[${BLOCKED}] { min-width: 16px; min-height: 16px; outline: 1px dashed ${paper.rule}; outline-offset: -1px; font-size: 12px; }
details.penfold-quoted > summary { display: inline-block; margin: 8px 0; padding: 0 10px; border: 1px solid ${paper.rule}; border-radius: 10px; color: ${onWhite ? '#55616d' : paper.muted}; font-size: 13px; cursor: pointer; list-style: none; }
details.penfold-quoted > summary:focus-visible { outline: 2px solid ${onWhite ? '#0b6bcb' : paper.link}; }
.penfold-leads-to { margin: 0 4px; padding: 0 6px; border-radius: 6px; background: #fff4dc !important; color: #7a4f00 !important; font-size: 13px; }
`;
}

/** Puts the message into the empty document of the frame. */
export function fillDocument(
  document: Document,
  message: { readonly nodes: DocumentFragment; readonly css: string; readonly style: string },
  words: MessageWords,
): void {
  const own = document.createElement('style');
  own.textContent = message.style;
  const senders = document.createElement('style');
  senders.textContent = message.css;
  // Ours first: where it need not insist, the sender's counts.
  document.head.replaceChildren(own, senders);
  document.body.replaceChildren(message.nodes);
  foldQuoted(document, words.showQuoted);
  nameBlocked(document, words.pictureBlocked);
  unmask(document, words.leadsTo);
}

/** `<details>`: opens without a script in the frame, by keyboard, and by find-in-page. */
function foldQuoted(document: Document, label: string): void {
  for (const quoted of document.querySelectorAll(`[${FOLD}='quote'], [${FOLD}='tail']`)) {
    if (quoted.closest('details') !== null) continue;
    const details = document.createElement('details');
    details.className = 'penfold-quoted';
    const summary = document.createElement('summary');
    summary.textContent = '•••';
    summary.setAttribute('aria-label', label);
    summary.title = label;
    details.append(summary);
    if (quoted.getAttribute(FOLD) === 'quote') {
      quoted.replaceWith(details);
      details.append(quoted);
      continue;
    }
    const tail = document.createRange();
    tail.setStartBefore(quoted);
    tail.setEndAfter(document.body.lastChild ?? document.body);
    const rest = tail.extractContents();
    details.append(rest);
    document.body.append(details);
  }
}

function nameBlocked(document: Document, label: string): void {
  for (const picture of document.querySelectorAll(`img[${BLOCKED}]`)) {
    picture.setAttribute('title', label);
    if (!picture.hasAttribute('alt')) picture.setAttribute('alt', '');
  }
}

function unmask(document: Document, leadsTo: (host: string) => string): void {
  for (const link of document.querySelectorAll(`a[${SHOWS}]`)) {
    const address = link.getAttribute('href') ?? '';
    if (!URL.canParse(address)) continue;
    const note = document.createElement('span');
    note.className = 'penfold-leads-to';
    note.textContent = leadsTo(new URL(address).host);
    link.after(note);
  }
}

/** Mail wider than the window is made smaller, as phones do it; never below this. */
const LEAST_ZOOM = 0.4;

/** Fits the content into the frame's width and returns the height it needs. */
export function fit(document: Document): number {
  const { documentElement: root, body } = document;
  body.style.zoom = '';
  if (root.scrollWidth > root.clientWidth + 1)
    body.style.zoom = String(Math.max(LEAST_ZOOM, root.clientWidth / root.scrollWidth));
  const scrollbar = root.scrollWidth > root.clientWidth + 1 ? 16 : 0;
  // Of the root: margins of the first and the last paragraph stand outside of the body.
  return Math.ceil(root.getBoundingClientRect().height) + scrollbar;
}
