/** Get-/Set-ImapSettings (exchange-behaviour.md §1). */
import { imapSettingsSchema } from '../../directory/settings/mail-protocol.ts';
import { mailProtocolCmdlets } from './mail-protocol-settings.ts';

export const imapSettingsCmdlets = mailProtocolCmdlets({
  noun: 'ImapSettings',
  otherNouns: ['Imap4Settings'],
  title: 'IMAP4',
  protocol: 'imap',
  service: 'imap4',
  schema: imapSettingsSchema,
  read: (directory, server) => directory.imapSettings(server),
  write: (directory, server, patch) => directory.setImapSettings(server, patch),
  getExamples: [
    { line: 'Get-ImapSettings', says: 'The main IMAP4 settings of this server.' },
    { line: 'Get-ImapSettings -Server <Server Name> | Format-List', says: 'All IMAP4 settings of one server.' },
    { line: 'Get-Imap4Settings | Format-List MaxConnection*,*Timeout', says: 'Limits and time-outs only.' },
  ],
  setExamples: [
    {
      line: 'Set-ImapSettings -ExternalConnectionSetting {Dublin01.Contoso.com:993:SSL}',
      says: 'Tells users outside the network which server, port and encryption to set their mail programs to.',
    },
    {
      line: 'Set-ImapSettings -ExternalConnectionSettings @{Add="Dublin01.Contoso.com:143:TLS"}',
      says: 'Adds a second way to what is there.',
    },
    {
      line: 'Set-Imap4Settings -AuthenticatedConnectionTimeout 01:00:00 -MaxCommandSize 16KB',
      says: 'Closes silent sessions after an hour, takes command lines of 16 KB.',
    },
    {
      line: 'Set-ImapSettings -MessageRetrievalMimeFormat 2 -CalendarItemRetrievalOption iCalendar',
      says: 'Renders bodies as text and HTML; an enumeration is taken by number or by name.',
    },
    {
      line: 'Set-ImapSettings -Server <Server Name> -ProtocolLogEnabled $true -LogFileRollOverSettings Hourly',
      says: 'Logs every command, a new file each hour.',
    },
    {
      line: 'Set-ImapSettings -LoginType PlainTextLogin -WhatIf',
      says: 'Shows what would be changed: passwords in the clear are asked about before they are allowed.',
    },
  ],
});
