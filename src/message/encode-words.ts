/** Text into RFC 2047 encoded words, for header fields this server writes itself. Pure. */
import { Buffer } from 'node:buffer';

/** 45 octets are 60 characters of base64, 72 with `=?UTF-8?B?` and `?=`: RFC 2047 §2 allows 75. */
const WORD_OCTETS = 45;
const PRINTABLE = /^[\x20-\x7e]*$/;
/** RFC 5322 §3.2.3 atoms with the spaces between them. */
const ATOMS = /^[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~ ]+$/;

/** The words one a line, folded (RFC 5322 §2.2.3); no character is cut (RFC 2047 §5). */
export function encodedWords(text: string): string {
  const words: string[] = [];
  let word = '';
  let octets = 0;
  const flush = (): void => {
    if (word !== '') words.push(`=?UTF-8?B?${Buffer.from(word, 'utf8').toString('base64')}?=`);
    word = '';
    octets = 0;
  };
  for (const character of text) {
    const size = Buffer.byteLength(character, 'utf8');
    if (octets + size > WORD_OCTETS) flush();
    word += character;
    octets += size;
  }
  flush();
  return words.join('\r\n ');
}

/** Value of an unstructured field: as it is when it can be read as such, else encoded words. */
export function unstructuredValue(text: string): string {
  return PRINTABLE.test(text) && !text.includes('=?') ? text : encodedWords(text);
}

/** `local@domain` with quotes where the local part needs them (RFC 5322 §3.4.1, UTF-8 as RFC 6532 §3.2 has it). */
export const addrSpec = (local: string, domain: string): string => `${localPart(local)}@${domain}`;

export const localPart = (local: string): string =>
  /^[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~.\u0080-\u{10ffff}]+$/u.test(local)
    ? local
    : `"${local.replaceAll(/["\\]/g, '\\$&')}"`;

/** A display name (RFC 5322 §3.2.5 phrase). Control characters are left out. */
export function phrase(text: string): string {
  const clean = text.replaceAll(/\p{Cc}/gu, ' ').trim();
  if (ATOMS.test(clean) && !clean.includes('=?')) return clean;
  return PRINTABLE.test(clean) && !clean.includes('=?')
    ? `"${clean.replaceAll(/["\\]/g, '\\$&')}"`
    : encodedWords(clean);
}
