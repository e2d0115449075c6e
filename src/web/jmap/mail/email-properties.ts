/** Which properties of Emails and their parts a client asks for (RFC 8621 §4.1, §4.2), sorted by what they cost. Pure. */
import type { MethodArguments } from '../arguments.ts';
import { MethodError } from '../method-error.ts';
import { type HeaderForm, headerWish, type HeaderWish } from './header-forms.ts';

/** From the rows in memory. */
const FROM_ROWS = ['id', 'blobId', 'threadId', 'mailboxIds', 'keywords', 'size', 'receivedAt'] as const;
/** From the parse result kept beside the message. */
const FROM_DETAILS = ['hasAttachment', 'preview', 'textBody', 'htmlBody', 'attachments', 'bodyStructure'] as const;
/** From the message itself. */
const FROM_MESSAGE = ['headers', 'bodyValues'] as const;

/** Convenience properties that are header fields in a form (§4.1.3). */
export const HEADER_PROPERTIES: ReadonlyMap<string, readonly [field: string, form: HeaderForm]> = new Map([
  ['messageId', ['message-id', 'MessageIds']],
  ['inReplyTo', ['in-reply-to', 'MessageIds']],
  ['references', ['references', 'MessageIds']],
  ['sender', ['sender', 'Addresses']],
  ['from', ['from', 'Addresses']],
  ['to', ['to', 'Addresses']],
  ['cc', ['cc', 'Addresses']],
  ['bcc', ['bcc', 'Addresses']],
  ['replyTo', ['reply-to', 'Addresses']],
  ['subject', ['subject', 'Text']],
  ['sentAt', ['date', 'Date']],
]);

const DEFAULTS = [
  ...FROM_ROWS,
  ...HEADER_PROPERTIES.keys(),
  'hasAttachment',
  'preview',
  'bodyValues',
  'textBody',
  'htmlBody',
  'attachments',
];

const PART_PROPERTIES = [
  'partId',
  'blobId',
  'size',
  'headers',
  'name',
  'type',
  'charset',
  'disposition',
  'cid',
  'language',
  'location',
  'subParts',
] as const;
export type PartProperty = (typeof PART_PROPERTIES)[number];
const DEFAULT_PART_PROPERTIES: readonly PartProperty[] = [
  'partId',
  'blobId',
  'size',
  'name',
  'type',
  'charset',
  'disposition',
  'cid',
  'language',
  'location',
];

export interface EmailWish {
  readonly properties: ReadonlySet<string>;
  readonly headers: readonly HeaderWish[];
  readonly partProperties: ReadonlySet<PartProperty>;
  readonly partHeaders: readonly HeaderWish[];
  readonly fetchText: boolean;
  readonly fetchHtml: boolean;
  readonly fetchAll: boolean;
  /** 0: no bound. */
  readonly maxBodyValueBytes: number;
}

const KNOWN = new Set<string>([...FROM_ROWS, ...FROM_DETAILS, ...FROM_MESSAGE]);

/** @throws MethodError invalidArguments */
export function emailWish(args: MethodArguments): EmailWish {
  const properties = new Set<string>(['id']);
  const headers: HeaderWish[] = [];
  for (const property of args.strings('properties') ?? DEFAULTS) {
    const known = HEADER_PROPERTIES.get(property);
    const wish = known === undefined ? headerWish(property) : { property, field: known[0], form: known[1], all: false };
    if (wish !== null) headers.push(wish);
    else if (KNOWN.has(property)) properties.add(property);
    else throw new MethodError('invalidArguments', `an Email has no property "${property.slice(0, 100)}"`);
  }
  const partProperties = new Set<PartProperty>();
  const partHeaders: HeaderWish[] = [];
  for (const property of args.strings('bodyProperties') ?? DEFAULT_PART_PROPERTIES) {
    const wish = headerWish(property);
    const known = PART_PROPERTIES.find((one) => one === property);
    if (wish !== null) partHeaders.push(wish);
    else if (known !== undefined) partProperties.add(known);
    else throw new MethodError('invalidArguments', `a body part has no property "${property.slice(0, 100)}"`);
  }
  return {
    properties,
    headers,
    partProperties,
    partHeaders,
    fetchText: args.flag('fetchTextBodyValues'),
    fetchHtml: args.flag('fetchHTMLBodyValues'),
    fetchAll: args.flag('fetchAllBodyValues'),
    maxBodyValueBytes: args.whole('maxBodyValueBytes', 0, 0),
  };
}

const wantsParts = ({ properties }: EmailWish): boolean =>
  ['textBody', 'htmlBody', 'attachments', 'bodyStructure', 'bodyValues'].some((one) => properties.has(one));

/** Header fields of parts lie in the message, not in the parse result. */
export const needsPartHeaders = (wish: EmailWish): boolean =>
  wantsParts(wish) &&
  (wish.partHeaders.length > 0 ||
    (['headers', 'cid', 'language', 'location'] as const).some((one) => wish.partProperties.has(one)));

export const needsDetails = (wish: EmailWish): boolean =>
  wish.headers.length > 0 || FROM_DETAILS.some((one) => wish.properties.has(one)) || needsMessage(wish);

export const needsMessage = ({ properties }: EmailWish): boolean => FROM_MESSAGE.some((one) => properties.has(one));
