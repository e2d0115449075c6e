/** Text of HTML for search and preview: what a reader sees, not the markup. Never throws, takes linear time. */
import { Tokenizer } from 'htmlparser2';

/** Elements whose content is not shown. */
const HIDDEN = new Set(['head', 'script', 'style', 'template', 'title', 'noscript', 'object', 'svg']);
/** Elements that do not break a line; everything else does. */
const INLINE = new Set(
  'a abbr acronym b bdi bdo big cite code del dfn em font i ins kbd label mark q s samp small span strike strong sub sup tt u var wbr'.split(
    ' ',
  ),
);
/** Fed in pieces so that a caller who has enough need not read on. */
const PIECE_CHARACTERS = 2048;

/** `enough` ends the reading early: characters of text wanted at least. */
export function htmlToText(html: string, enough = Number.POSITIVE_INFINITY): string {
  const pieces: string[] = [];
  let size = 0;
  let hidden = 0;
  /** The element that hides what follows; its inner elements of the same name are counted. */
  let hider = '';
  let name = '';
  const add = (text: string): void => {
    if (hidden > 0) return;
    pieces.push(text);
    size += text.length;
  };
  const isEnough = (): boolean => size >= enough;
  const nothing = (): void => {};
  const tokenizer = new Tokenizer(
    { xmlMode: false, decodeEntities: true },
    {
      ontext: (start, end) => add(html.slice(start, end)),
      ontextentity: (codepoint) => add(safeCharacter(codepoint)),
      onopentagname: (start, end) => {
        name = html.slice(start, end).toLowerCase();
        // A body that follows a head which was never closed is shown.
        if (name === 'body') hidden = 0;
        if (hidden > 0) {
          if (name === hider) hidden += 1;
        } else if (HIDDEN.has(name)) {
          hider = name;
          hidden = 1;
        } else if (!INLINE.has(name)) add('\n');
      },
      onclosetag: (start, end) => {
        const closed = html.slice(start, end).toLowerCase();
        if (hidden > 0) {
          if (closed === hider) hidden -= 1;
        } else if (!INLINE.has(closed)) add('\n');
      },
      onselfclosingtag: () => {
        if (hidden > 0 && name === hider) hidden -= 1;
      },
      oncdata: (start, end, offset) => add(html.slice(start, end - offset)),
      onattribdata: nothing,
      onattribentity: nothing,
      onattribend: nothing,
      onattribname: nothing,
      oncomment: nothing,
      ondeclaration: nothing,
      onend: nothing,
      onopentagend: nothing,
      onprocessinginstruction: nothing,
    },
  );
  for (let at = 0; at < html.length && !isEnough(); at += PIECE_CHARACTERS) {
    tokenizer.write(html.slice(at, at + PIECE_CHARACTERS));
  }
  if (!isEnough()) tokenizer.end();
  return pieces.join('');
}

function safeCharacter(codepoint: number): string {
  // Soft hyphens and zero-width joiners cut words in the text of newsletters.
  if (codepoint === 0xad || (codepoint >= 0x200b && codepoint <= 0x200d) || codepoint === 0xfeff) return '';
  if (codepoint === 0xa0) return ' ';
  return codepoint >= 0 && codepoint <= 0x10ffff ? String.fromCodePoint(codepoint) : '\ufffd';
}
