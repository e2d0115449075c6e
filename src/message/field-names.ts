/**
 * Header field names the parser knows by number. The first ones are the "common" fields whose original bytes are
 * kept in the fragment, because a mail program asks for them of every message it lists: answering from the fragment
 * spares opening the message. The list is the union of what these ask for when they open a folder: Thunderbird,
 * Apple Mail, mutt/NeoMutt, K-9/Thunderbird for Android, Roundcube, mbsync, imapflow's examples.
 */

/** Order is part of the stored format: append only, and raise PARSER_VERSION. At most 52: masks are exact integers. */
export const COMMON_FIELDS = [
  'from',
  'to',
  'cc',
  'bcc',
  'sender',
  'reply-to',
  'subject',
  'date',
  'message-id',
  'in-reply-to',
  'references',
  'content-type',
  'content-transfer-encoding',
  'mime-version',
  'priority',
  'x-priority',
  'importance',
  'newsgroups',
  'list-id',
  'list-post',
  'list-unsubscribe',
  'delivered-to',
  'return-path',
  'disposition-notification-to',
  'followup-to',
  // mutt
  'lines',
  'x-label',
  'content-description',
  // Apple Mail
  'x-uniform-type-identifier',
  'x-universally-unique-identifier',
  'bimi-indicator',
  'bimi-location',
  'x-bimi-indicator-hash',
  'authentication-results',
  'dkim-signature',
  // Roundcube
  'mail-followup-to',
  'mail-reply-to',
  'x-draft-info',
  // K-9
  'x-k9mail-identity',
  'list-unsubscribe-post',
  // NeoMutt, mbsync
  'list-subscribe',
  'x-original-to',
  'x-tuid',
  'auto-submitted',
] as const;

/** Known to the MIME parser, not kept apart. */
const STRUCTURE_FIELDS = [
  'content-id',
  'content-md5',
  'content-disposition',
  'content-language',
  'content-location',
] as const;

export type KnownField = (typeof COMMON_FIELDS)[number] | (typeof STRUCTURE_FIELDS)[number];

const KNOWN: readonly KnownField[] = [...COMMON_FIELDS, ...STRUCTURE_FIELDS];
export const KNOWN_FIELDS = KNOWN.length;
export const UNKNOWN_FIELD = -1;

/** Number of a known field. */
export function fieldNumber(name: KnownField): number {
  return KNOWN.indexOf(name);
}

const BY_NAME = new Map<string, number>(COMMON_FIELDS.map((name, index) => [name, index]));

/** Number of a common field by its lower-case name, or UNKNOWN_FIELD. */
export function commonFieldNumber(lowerName: string): number {
  return BY_NAME.get(lowerName) ?? UNKNOWN_FIELD;
}

const LONGEST_NAME = Math.max(...KNOWN.map((name) => name.length));
/** Known names by their length and first letter: two or three candidates at most. */
const CANDIDATES: ReadonlyArray<readonly number[] | undefined> = (() => {
  const slots: number[][] = [];
  for (const [index, name] of KNOWN.entries()) {
    const slot = name.length * 32 + (name.charCodeAt(0) & 31);
    (slots[slot] ??= []).push(index);
  }
  return Array.from({ length: (LONGEST_NAME + 1) * 32 }, (_, slot) => slots[slot]);
})();

/** Number of the field whose name stands in the octet string `text` at [start, end), in any case. */
export function knownField(text: string, start: number, end: number): number {
  const size = end - start;
  if (size > LONGEST_NAME || size === 0) return UNKNOWN_FIELD;
  const candidates = CANDIDATES[size * 32 + (text.charCodeAt(start) & 31)];
  if (candidates === undefined) return UNKNOWN_FIELD;
  next: for (const index of candidates) {
    const name = KNOWN[index]!;
    for (let i = 0; i < size; i += 1) {
      let code = text.charCodeAt(start + i);
      if (code >= 65 && code <= 90) code |= 32;
      if (code !== name.charCodeAt(i)) continue next;
    }
    return index;
  }
  return UNKNOWN_FIELD;
}
