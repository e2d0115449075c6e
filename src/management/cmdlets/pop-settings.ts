/** Get-/Set-PopSettings (exchange-behaviour.md §1). */
import { popSettingsSchema } from '../../directory/settings/mail-protocol.ts';
import { mailProtocolCmdlets } from './mail-protocol-settings.ts';

export const popSettingsCmdlets = mailProtocolCmdlets({
  noun: 'PopSettings',
  otherNouns: ['Pop3Settings'],
  title: 'POP3',
  protocol: 'pop3',
  service: 'pop3',
  schema: popSettingsSchema,
  read: (directory, server) => directory.popSettings(server),
  write: (directory, server, patch) => directory.setPopSettings(server, patch),
  getExamples: [
    { line: 'Get-PopSettings', says: 'The main POP3 settings of this server.' },
    { line: 'Get-PopSettings -Server <Server Name> | Format-List', says: 'All POP3 settings of one server.' },
    {
      line: 'Get-PopSettings | Format-List Server,ExternalConnectionSettings,InternalConnectionSettings',
      says: 'What mail programs are told to use.',
    },
  ],
  setExamples: [
    {
      line: 'Set-POPSettings -ExternalConnectionSetting {Dublin01.Contoso.com:995:SSL}',
      says: 'Tells users outside the network which server, port and encryption to set their mail programs to.',
    },
    {
      line: 'Set-PopSettings -ExternalConnectionSettings "Dublin01.Contoso.com:995:SSL","Dublin01.Contoso.com:110:TLS"',
      says: 'Offers both ways; users see the one with TLS from the first byte first.',
    },
    {
      line: 'Set-PopSettings -ProtocolLogEnabled $true -LogPerFileSizeQuota 10MB',
      says: 'Logs every command, a new file each 10 MB.',
    },
    {
      line: 'Set-PopSettings -Server <Server Name> -LoginType SecureLogin -MaxConnectionsPerUser 32',
      says: 'Takes passwords over TLS only, and 32 sessions of one user at a time.',
    },
    {
      line: 'Set-PopSettings -UnencryptedOrTLSBindings @{Add="127.0.0.1:20110"} -WhatIf',
      says: 'Shows what one more listening address would change, and changes nothing.',
    },
    {
      line: 'Set-PopSettings -MessageRetrievalSortOrder Descending -PreAuthenticatedConnectionTimeout 00:02:00',
      says: 'Message 1 is the newest; clients get two minutes to log on.',
    },
  ],
});
