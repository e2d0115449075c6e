/** A signature as people type it here, and as HTML for messages that are. */
import type { Signature } from './account.ts';

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Lines stay lines; nothing typed becomes markup. */
export function htmlOfText(text: string): string {
  const escaped = text.replaceAll(/[&<>"]/g, (sign) => ENTITIES[sign] ?? sign);
  return escaped
    .split('\n')
    .map((line) => `<div>${line === '' ? '<br>' : line}</div>`)
    .join('');
}

/** What is changed here is plain text, so its HTML is made anew; what is left alone keeps the one it has. */
export function withText(signature: Signature, name: string, text: string): Signature {
  return { ...signature, name, text, html: text === signature.text ? signature.html : htmlOfText(text) };
}

/** The lowest number that is free: ids of signatures are their owner's affair. */
export function freeId(signatures: readonly Signature[]): string {
  for (let number = 1; ; number += 1) if (!signatures.some(({ id }) => id === String(number))) return String(number);
}
