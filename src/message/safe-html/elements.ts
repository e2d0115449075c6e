/** What may stand in mail that is shown: elements, their attributes, and what values of these look like. Pure data. */

export const ELEMENTS: readonly string[] =
  'a abbr acronym address article aside b bdi bdo big blockquote br caption center cite code col colgroup dd del dfn dir div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li main mark menu nav ol p pre q rp rt ruby s samp section small span strike strong sub sup table tbody td tfoot th thead time tr tt u ul var wbr'.split(
    ' ',
  );

/** Gone with all they hold; of other unknown elements the content stays. */
export const GONE: readonly string[] =
  'applet audio embed frameset iframe math noembed noframes noscript object option plaintext script select style svg template textarea title video xmp'.split(
    ' ',
  );

type Check = (value: string) => boolean;
const matches =
  (pattern: RegExp): Check =>
  (value) =>
    pattern.test(value);
const LENGTH = matches(/^\d{1,5}(?:\.\d{1,3})?(?:px|%|\*)?$/);
const NUMBER = matches(/^-?\d{1,6}$/);
const WORD = matches(/^[\w-]{1,40}$/);
const COLOUR = matches(/^(?:#[0-9a-f]{3,8}|[a-z]{3,24}|rgb\([\d\s,.%]{5,30}\))$/i);
const TEXT: Check = (value) => value.length <= 2000;
const NAMES = matches(/^[\w\s.:-]{1,1000}$/);

/** Allowed everywhere. `id`, `style` and addresses are rebuilt, not checked (sanitize.ts). */
const EVERYWHERE: Readonly<Record<string, Check>> = {
  align: WORD,
  class: NAMES,
  dir: matches(/^(?:ltr|rtl|auto)$/i),
  height: LENGTH,
  lang: matches(/^[\w-]{1,35}$/),
  title: TEXT,
  valign: WORD,
  width: LENGTH,
};
const CELL: Readonly<Record<string, Check>> = {
  abbr: TEXT,
  bgcolor: COLOUR,
  bordercolor: COLOUR,
  colspan: NUMBER,
  nowrap: TEXT,
  rowspan: NUMBER,
  scope: WORD,
};
const LIST: Readonly<Record<string, Check>> = { compact: TEXT, start: NUMBER, reversed: TEXT, type: WORD };
const OF_ELEMENT: Readonly<Record<string, Readonly<Record<string, Check>>>> = {
  bdo: {},
  blockquote: { type: matches(/^cite$/i) },
  br: { clear: WORD },
  col: { span: NUMBER, bgcolor: COLOUR },
  colgroup: { span: NUMBER, bgcolor: COLOUR },
  div: { bgcolor: COLOUR },
  font: { color: COLOUR, face: matches(/^[\w\s,'"-]{1,200}$/), size: matches(/^[+-]?\d$/) },
  hr: { color: COLOUR, noshade: TEXT, size: NUMBER },
  img: { alt: TEXT, border: NUMBER, hspace: NUMBER, vspace: NUMBER },
  li: { type: WORD, value: NUMBER },
  ol: LIST,
  table: {
    bgcolor: COLOUR,
    border: NUMBER,
    bordercolor: COLOUR,
    cellpadding: LENGTH,
    cellspacing: LENGTH,
    frame: WORD,
    rules: WORD,
    summary: TEXT,
  },
  tbody: { bgcolor: COLOUR },
  td: CELL,
  tfoot: { bgcolor: COLOUR },
  th: CELL,
  thead: { bgcolor: COLOUR },
  time: { datetime: matches(/^[\w\s:.+-]{1,50}$/) },
  tr: { bgcolor: COLOUR },
  ul: LIST,
};

/** Of an attribute that may stay as it was written. */
export function mayStay(element: string, attribute: string, value: string): boolean {
  const checks = [OF_ELEMENT[element], EVERYWHERE];
  return checks.some(
    (known) => known !== undefined && Object.hasOwn(known, attribute) && known[attribute]?.(value) === true,
  );
}

/** Ours, in what is sent to the browser; those of a sender are taken off. */
export const MARKS = {
  body: 'data-mail-body',
  /** `quote`, `tail` or `signature`: what the reading pane may fold. */
  fold: 'data-mail-fold',
  /** Host that the text of a link shows though it leads elsewhere. */
  shows: 'data-mail-shows',
  /** A picture on the web that was not let in. */
  blocked: 'data-mail-blocked',
} as const;

/** All attributes that can be in the result, for the library's own check behind ours. */
export const ATTRIBUTES: readonly string[] = [
  ...new Set([
    ...Object.keys(EVERYWHERE),
    ...Object.values(OF_ELEMENT).flatMap((known) => Object.keys(known)),
    ...'href id rel src style target'.split(' '),
    ...Object.values(MARKS),
  ]),
];
