/** Get-/Set-CASMailbox: what one mailbox may use and how it is shown (exchange-behaviour.md §2). */
import type { ClientAccessSettings } from '../model.ts';
import { MIME_TEXT_FORMATS } from './mail-protocol.ts';
import { type Setting, SettingsSchema } from './schema.ts';
import * as type from './value-types.ts';

type Effect = Setting<boolean>['effect'];

const flag = (name: string, initial: boolean, effect: Effect, help: string): Setting<boolean> => ({
  name,
  type: type.boolean,
  scope: 'both',
  effect,
  help,
  initial: () => initial,
});

const mimeFormat = (
  name: string,
  protocol: string,
): Setting<ClientAccessSettings['popMessagesRetrievalMimeFormat']> => ({
  name,
  type: type.enumeration(MIME_TEXT_FORMATS),
  scope: 'backEnd',
  effect: 'new-sessions',
  help: `How message bodies are rendered for this mailbox over ${protocol}, instead of the server's value.`,
  initial: () => 'BestBodyFormat',
});

const switchHelp = (protocol: string): string =>
  `False: logon over ${protocol} is refused. The authenticating user's switch counts, also in a shared mailbox.`;
const defaultsHelp = (protocol: string): string =>
  `True: the server's ${protocol} settings apply and the four settings of this mailbox cannot be set.`;
const receiptHelp = 'True: a read receipt is sent when a message is opened, not also when it is downloaded.';
const forceHelp = "True: meeting requests always come as iCalendar. False: the server's option applies.";
const sizeHelp = 'Sizes are always exact in Penfold.';

export const clientAccessSchema = new SettingsSchema<ClientAccessSettings>('CASMailbox', {
  popEnabled: flag('PopEnabled', true, 'live', switchHelp('POP3')),
  imapEnabled: flag('ImapEnabled', true, 'live', switchHelp('IMAP4')),
  popUseProtocolDefaults: flag('PopUseProtocolDefaults', true, 'new-sessions', defaultsHelp('POP3')),
  imapUseProtocolDefaults: flag('ImapUseProtocolDefaults', true, 'new-sessions', defaultsHelp('IMAP4')),
  popMessagesRetrievalMimeFormat: mimeFormat('PopMessagesRetrievalMimeFormat', 'POP3'),
  imapMessagesRetrievalMimeFormat: mimeFormat('ImapMessagesRetrievalMimeFormat', 'IMAP4'),
  popEnableExactRfc822Size: flag('PopEnableExactRFC822Size', false, 'recorded', sizeHelp),
  imapEnableExactRfc822Size: flag('ImapEnableExactRFC822Size', false, 'recorded', sizeHelp),
  popForceICalForCalendarRetrievalOption: flag(
    'PopForceICalForCalendarRetrievalOption',
    false,
    'new-sessions',
    forceHelp,
  ),
  imapForceICalForCalendarRetrievalOption: flag(
    'ImapForceICalForCalendarRetrievalOption',
    false,
    'new-sessions',
    forceHelp,
  ),
  popSuppressReadReceipt: flag('PopSuppressReadReceipt', false, 'new-sessions', receiptHelp),
  imapSuppressReadReceipt: flag('ImapSuppressReadReceipt', false, 'new-sessions', receiptHelp),
  popKeepMessagesOnServer: flag(
    'PopKeepMessagesOnServer',
    false,
    'new-sessions',
    'True: what a POP3 client deletes stays in the Inbox. Not in Exchange.',
  ),
  owaEnabled: flag('OWAEnabled', true, 'live', 'False: logon to the web pages is refused.'),
  smtpClientAuthenticationDisabled: flag(
    'SmtpClientAuthenticationDisabled',
    false,
    'live',
    'True: authenticated submission is refused for this mailbox.',
  ),
});
