/** What is worth a question before a message goes out. Pure. */
import type { Message } from './message.ts';

export type Warning = 'noSubject' | 'forgottenAttachment';

/** English and Spanish, whatever language the app is in: people write in both. */
const ATTACHED =
  /\b(?:attach(?:ed|ing|ment|ments)?|enclosed|adjunt(?:o|a|os|as|amos|ar|é|e)|anex(?:o|a|os|as)|archivo adjunto)(?![\p{L}\p{N}])/iu;

/** @param text what the person has written himself, without quote */
export function warningsOf(message: Message, text: string): readonly Warning[] {
  const warnings: Warning[] = [];
  if (message.subject.trim() === '') warnings.push('noSubject');
  const hasFile = message.attachments.some(({ inline }) => inline === null);
  if (!hasFile && ATTACHED.test(`${message.subject}\n${withoutQuotes(text)}`)) warnings.push('forgottenAttachment');
  return warnings;
}

const withoutQuotes = (text: string): string =>
  text
    .split('\n')
    .filter((line) => !line.startsWith('>'))
    .join('\n');
