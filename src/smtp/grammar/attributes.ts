/**
 * The arguments of XCLIENT and XFORWARD, by which one server tells another whose mail or session it brings: the form of
 * Postfix (NAME=xtext pairs), with UTF-8 in the xtext, since subjects and host names have it. Pure.
 */
import { Buffer } from 'node:buffer';
import { SMTP_ATTRIBUTES } from '../../wire/limits.ts';

export type Attributes = ReadonlyMap<string, string>;

export type ParsedAttributes =
  | { readonly kind: 'ok'; readonly attributes: Attributes }
  | { readonly kind: 'bad'; readonly reason: string };

const PAIR = /^([A-Za-z][A-Za-z0-9]{0,31})=((?:[!-*,-<>-~]|\+[0-9A-F]{2})*)$/;
// oxlint-disable-next-line no-misleading-character-class -- control characters are what it is about
const CONTROL = /[\x00-\x1f\x7f]/;
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** `text` is what stands behind the verb. Keys in capitals; values hold no control character. */
export function parseAttributes(text: string): ParsedAttributes {
  const attributes = new Map<string, string>();
  for (const word of text.split(' ')) {
    if (word === '') continue;
    const pair = PAIR.exec(word);
    const value = pair === null ? null : decoded(pair[2] ?? '');
    if (pair === null || value === null) return bad('an attribute must be NAME=xtext');
    const name = (pair[1] ?? '').toUpperCase();
    if (attributes.has(name)) return bad(`${name} is given twice`);
    if (attributes.size >= SMTP_ATTRIBUTES) return bad(`more than ${SMTP_ATTRIBUTES} attributes`);
    attributes.set(name, value);
  }
  return attributes.size === 0 ? bad('at least one attribute is needed') : { kind: 'ok', attributes };
}

/** With a space in front of each. Control characters become spaces: nothing can end the line. */
export function printAttributes(attributes: Attributes): string {
  let text = '';
  for (const [name, value] of attributes) text += ` ${name}=${encoded(value)}`;
  return text;
}

const bad = (reason: string): ParsedAttributes => ({ kind: 'bad', reason });

function encoded(value: string): string {
  let text = '';
  for (const byte of Buffer.from(value.replaceAll(new RegExp(CONTROL, 'g'), ' '), 'utf8')) {
    const plain = byte > 0x20 && byte < 0x7f && byte !== 0x2b && byte !== 0x3d;
    text += plain ? String.fromCharCode(byte) : `+${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return text;
}

/** Null: no UTF-8, or control characters in it. */
function decoded(xtext: string): string | null {
  const latin1 = xtext.replaceAll(/\+([0-9A-F]{2})/g, (_pair, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  try {
    const value = strictUtf8.decode(Buffer.from(latin1, 'latin1'));
    return CONTROL.test(value) ? null : value;
  } catch {
    return null;
  }
}
