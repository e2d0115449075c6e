/** DSN parameters of MAIL and RCPT (RFC 3461 §4): RET, ENVID, NOTIFY, ORCPT, read and written. Pure. */

export interface DsnOfMail {
  /** RFC 3461 §4.3; null: not given. */
  readonly ret: 'FULL' | 'HDRS' | null;
  /** Decoded; null: not given. */
  readonly envelopeId: string | null;
}

export interface DsnOfRecipient {
  /** Empty: NEVER. Null: not given, which means FAILURE. */
  readonly notify: ReadonlySet<'SUCCESS' | 'FAILURE' | 'DELAY'> | null;
  /** Address type and decoded address; null: not given. */
  readonly original: { readonly type: string; readonly address: string } | null;
}

/** RFC 3461 §4.4, §4.2: longest ENVID and ORCPT. */
export const ENVID_CHARACTERS = 100;
export const ORCPT_CHARACTERS = 500;

/** xtext (RFC 3461 §4) with its +HH pairs undone; null when it is none. */
export function decodeXtext(text: string): string | null {
  if (!/^(?:[!-*,-<>-~]|\+[0-9A-F]{2})*$/.test(text)) return null;
  const decoded = text.replaceAll(/\+([0-9A-F]{2})/g, (_pair, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return /^[\x20-\x7e]*$/.test(decoded) ? decoded : null;
}

/** Any printable ASCII as xtext; other characters have no place in these parameters and become a question mark. */
export function encodeXtext(text: string): string {
  return text
    .replaceAll(/[^\x20-\x7e]/g, '?')
    .replaceAll(/[ +=]/g, (char) => `+${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** As they stand behind MAIL, each with a space in front; empty: nothing to say. */
export function printDsnOfMail({ ret, envelopeId }: DsnOfMail): string {
  return (ret === null ? '' : ` RET=${ret}`) + (envelopeId === null ? '' : ` ENVID=${encodeXtext(envelopeId)}`);
}

/** The same behind RCPT. */
export function printDsnOfRecipient({ notify, original }: DsnOfRecipient): string {
  const words = notify === null ? '' : ` NOTIFY=${notify.size === 0 ? 'NEVER' : [...notify].join(',')}`;
  return words + (original === null ? '' : ` ORCPT=${original.type};${encodeXtext(original.address)}`);
}

export function parseRet(value: string | null): DsnOfMail['ret'] {
  const word = value?.toUpperCase();
  return word === 'FULL' || word === 'HDRS' ? word : null;
}

export function parseEnvelopeId(value: string | null): string | null {
  if (value === null || value.length === 0 || value.length > ENVID_CHARACTERS) return null;
  return decodeXtext(value);
}

export function parseNotify(value: string | null): DsnOfRecipient['notify'] {
  if (value === null) return null;
  const words = value.toUpperCase().split(',');
  if (words.length === 1 && words[0] === 'NEVER') return new Set();
  const notify = new Set<'SUCCESS' | 'FAILURE' | 'DELAY'>();
  for (const word of words) {
    if ((word !== 'SUCCESS' && word !== 'FAILURE' && word !== 'DELAY') || notify.has(word)) return null;
    notify.add(word);
  }
  return notify;
}

export function parseOriginalRecipient(value: string | null): DsnOfRecipient['original'] {
  if (value === null || value.length > ORCPT_CHARACTERS) return null;
  const semicolon = value.indexOf(';');
  const type = value.slice(0, semicolon);
  if (semicolon < 1 || !/^[A-Za-z0-9-]+$/.test(type)) return null;
  const address = decodeXtext(value.slice(semicolon + 1));
  return address === null || address === '' ? null : { type, address };
}
