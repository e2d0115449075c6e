/** docs/admin/settings.md, made from the tables of this folder: every setting an admin can change while it all runs. */
import { clientAccessServerSchema } from './client-access-server.ts';
import { clientAccessSchema } from './client-access.ts';
import { databaseSchema } from './database.ts';
import { imapSettingsSchema, popSettingsSchema } from './mail-protocol.ts';
import { mailboxSchema } from './mailbox.ts';
import { receiveConnectorSchema } from './receive-connector.ts';
import type { Effect, Scope, SettingRow } from './schema.ts';
import { throttlingLimitsSchema } from './throttling.ts';
import { transportConfigSchema } from './transport-config.ts';

interface Section {
  readonly table: { readonly title: string; readonly rows: readonly SettingRow[] };
  readonly cmdlets: string;
}

const SECTIONS: readonly Section[] = [
  { table: popSettingsSchema, cmdlets: '`Get-PopSettings`, `Set-PopSettings`: one object per server.' },
  { table: imapSettingsSchema, cmdlets: '`Get-ImapSettings`, `Set-ImapSettings`: one object per server.' },
  {
    table: clientAccessServerSchema,
    cmdlets: '`Get-ClientAccessServer`, `Set-ClientAccessServer`: one object per server, for all its protocols.',
  },
  { table: clientAccessSchema, cmdlets: '`Get-CASMailbox`, `Set-CASMailbox`: one object per account.' },
  {
    table: mailboxSchema,
    cmdlets: '`Get-Mailbox`, `Set-Mailbox`: beside names and addresses. Warning < ProhibitSend ≤ ProhibitSendReceive.',
  },
  {
    table: databaseSchema,
    cmdlets: '`Get-MailboxDatabase`, `Set-MailboxDatabase`. Warning < ProhibitSend ≤ ProhibitSendReceive.',
  },
  { table: transportConfigSchema, cmdlets: '`Get-TransportConfig`, `Set-TransportConfig`: one object.' },
  { table: receiveConnectorSchema, cmdlets: '`Get-`, `New-`, `Set-`, `Remove-ReceiveConnector`.' },
  {
    table: throttlingLimitsSchema,
    cmdlets:
      '`Get-`, `New-`, `Set-`, `Remove-ThrottlingPolicy`. The defaults are GlobalThrottlingPolicy; a policy of scope Organization, then one of scope Regular given to a mailbox, override it value by value. A CutoffBalance is not below its MaxBurst.',
  },
];

const EFFECTS: Readonly<Record<Effect, string>> = {
  live: 'at once',
  'new-sessions': 'new sessions',
  listeners: 'listeners, at once',
  recorded: 'kept only',
};
const SCOPES: Readonly<Record<Scope, string>> = { frontEnd: 'front end', backEnd: 'back end', both: 'both' };

/** What a table cell may not hold as it is. */
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const code = (text: string): string => (text === '' ? '(empty)' : `\`${cell(text)}\``);

export function settingsReference(): string {
  const lines = [
    '# Settings',
    '',
    'Made from `src/directory/settings` by `UPDATE_DOCS=1 node --test src/directory/settings/reference.test.ts`; the same',
    'test fails when the two differ. Names, ranges and defaults are those of Exchange 2013; where we differ, the meaning',
    'says so. Names are taken in any case and as far as they are unambiguous; sizes as `36MB`, times as `00:30:00` or',
    'seconds, enumerations by name or number, lists with commas or `@{Add=…;Remove=…}`, `$null` for nothing.',
    '',
    '"Counts": *at once* is within a second, for open sessions too; *new sessions* start after the change; *kept only* is',
    'shown for parity and nothing acts on it.',
  ];
  for (const { table, cmdlets } of SECTIONS) {
    lines.push('', `## ${table.title}`, '', cmdlets, '');
    lines.push('| parameter | type | values | default | used by | counts | meaning |', '|---|---|---|---|---|---|---|');
    for (const row of table.rows) {
      const initial = row.type.format(row.initial({ fqdn: 'mail.example.org' }));
      const cells = [
        `\`${row.name}\``,
        code(row.type.kind),
        cell(row.type.accepts),
        code(initial),
        SCOPES[row.scope],
        EFFECTS[row.effect],
        cell(row.help),
      ];
      lines.push(`| ${cells.join(' | ')} |`);
    }
  }
  return `${lines.join('\n')}\n`;
}
