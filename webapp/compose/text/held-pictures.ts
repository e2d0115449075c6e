/**
 * Pictures of the web in a quoted original: they go along with the message, and are not fetched while one writes. Their
 * addresses stand behind a mark meanwhile that makes them nothing. Pure.
 */

const MARK = 'data:,penfold-held:';
/** HTML as a browser or our sanitizer writes it. */
const PICTURE = /(<img\b(?:[^>"]|"[^"]*")*?\ssrc=")(https?:)/gi;
const IN_STYLE = /(\burl\(\s*(?:&quot;|&#39;|["'])?\s*)(https?:)/gi;

export const heldPictures = (html: string): string =>
  html.replaceAll(PICTURE, `$1${MARK}$2`).replaceAll(IN_STYLE, `$1${MARK}$2`);

export const releasedPictures = (html: string): string => html.replaceAll(MARK, '');

/** What shows nothing takes its place only. */
export const HELD_STYLE = `img[src^="${MARK}"] { visibility: hidden }`;
