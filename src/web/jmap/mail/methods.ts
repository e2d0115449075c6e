/** The methods of `urn:ietf:params:jmap:mail` (RFC 8621 §2–5). */
import type { Method } from '../dispatch.ts';
import type { MailContext } from './context.ts';
import { emailCopy, emailImport } from './email-import.ts';
import { emailReading } from './email-methods.ts';
import { emailSet } from './email-set-method.ts';
import { mailboxMethods } from './mailbox-methods.ts';
import { searchSnippets } from './search-snippet.ts';

export const mailMethods: readonly Method<MailContext>[] = [
  ...mailboxMethods,
  ...emailReading,
  emailSet,
  emailImport,
  emailCopy,
  searchSnippets,
];
