/** What is worth a question before a message goes out. Pure. */
import { type Address, keyOf } from './fields/address-list.ts';
import { type Message, recipientsOfMessage } from './message.ts';

export type Warning =
  | { readonly kind: 'noSubject' | 'forgottenAttachment' }
  | { readonly kind: 'unknownColleague'; readonly email: string };

/** English and Spanish, whatever language the app is in: people write in both. */
const ATTACHED =
  /\b(?:attach(?:ed|ing|ment|ments)?|enclosed|adjunt(?:o|a|os|as|amos|ar|é|e)|anex(?:o|a|os|as)|archivo adjunto)(?![\p{L}\p{N}])/iu;

export interface Checked {
  readonly message: Message;
  /** What the person has written himself, without quote. */
  readonly text: string;
  /** Addresses of the organization; null: they are not known. */
  readonly colleagues: readonly Address[] | null;
  /** Domains in which every address is known. */
  readonly ownDomains: ReadonlySet<string>;
}

export function warningsOf({ message, text, colleagues, ownDomains }: Checked): readonly Warning[] {
  const warnings: Warning[] = [];
  if (message.subject.trim() === '') warnings.push({ kind: 'noSubject' });
  const hasFile = message.attachments.some(({ inline }) => inline === null);
  if (!hasFile && ATTACHED.test(`${message.subject}\n${withoutQuotes(text)}`))
    warnings.push({ kind: 'forgottenAttachment' });
  if (colleagues === null) return warnings;
  const known = new Set(colleagues.map(keyOf));
  for (const address of recipientsOfMessage(message)) {
    const key = keyOf(address);
    if (ownDomains.has(key.slice(key.lastIndexOf('@') + 1)) && !known.has(key))
      warnings.push({ kind: 'unknownColleague', email: address.email });
  }
  return warnings;
}

const withoutQuotes = (text: string): string =>
  text
    .split('\n')
    .filter((line) => !line.startsWith('>'))
    .join('\n');
