/**
 * Import-Mailbox and Export-Mailbox: mail from and to files on the server, as `penfold import` and `penfold export` do
 * it. A bare name lies in the server's transfer folder; only who is on the server itself names other places, so that
 * nobody reads or writes its files over the network. Both stand in the audit log.
 */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { RoleGroup } from '../../directory/model.ts';
import { boolean, enumeration, listOf, text } from '../../directory/settings/value-types.ts';
import { Failure } from '../../observe/failure.ts';
import type { ChangingCmdlet, Cmdlet, CmdletCall, Parameter, Plan } from '../cmdlet.ts';
import { importInto } from '../transfer/import.ts';
import { ImportJournal } from '../transfer/journal.ts';
import { exportMailbox as itemsOf, mailboxImport } from '../transfer/mailbox-transfer.ts';
import { measureSource, readSource, type SourceOptions } from '../transfer/source.ts';
import { type ExportFormat, type WriteProgress, writeTree } from '../transfer/write-tree.ts';
import { domainControllerParameter, type MailboxAccount, mailboxNamed } from './identity.ts';
import { sizeCell } from './mailbox-statistics.ts';
import { oneMailbox } from './recipient-facts.ts';
import { applying } from './results.ts';
import { StoredMailboxes } from './stored-mailboxes.ts';

/** Whole mailboxes leave and enter by them; in Exchange, too, Recipient Management may not (role Mailbox Import Export). */
const MAY_TRANSFER: readonly RoleGroup[] = ['Organization Management'];
const PATH_LENGTH = 4096;
/** Problems of single messages that are told as warnings; the rest is counted. */
const PROBLEMS_TOLD = 20;
const FILES = 'files';

const pathType = text({ min: 1, max: PATH_LENGTH });
const sources: Parameter<readonly string[]> = {
  name: 'FilePath',
  type: listOf(pathType),
  required: true,
  position: 2,
  help: 'Files and folders on the server. Relative: below transfer/files of its data directory.',
};
const destination: Parameter<string> = {
  name: 'FilePath',
  type: pathType,
  required: true,
  position: 2,
  help: 'Folder on the server; new or empty, or an earlier export to bring up to date. Relative: below transfer/files of its data directory.',
};

/** @throws Failure UNAVAILABLE where there is no transfer folder, NOPERM for other places over the network */
function placeOf({ caller, services }: CmdletCall, typed: string): string {
  const root = services.transferFolder;
  if (root === undefined) throw new Failure('UNAVAILABLE', 'there is no transfer folder here');
  const files = path.join(root, FILES);
  const place = path.resolve(files, typed);
  const isInside = place.startsWith(`${files}${path.sep}`);
  if (!isInside && (caller.via === 'api' || caller.via === 'web'))
    throw new Failure('NOPERM', `over the network -FilePath names a place below ${files}, not ${place}`);
  return place;
}

function audited(
  { services }: CmdletCall,
  account: MailboxAccount,
  action: 'imported' | 'exported',
  after: Readonly<Record<string, string>>,
): Promise<void> {
  const entry = { action, objectKind: 'MailboxContent', object: account.alias, before: null, after };
  return services.directory.recordAudit(entry);
}

const importFormat: Parameter<SourceOptions['format']> = {
  name: 'Format',
  type: enumeration(['auto', 'eml', 'mbox', 'maildir']),
  help: 'What the files are; auto without it: by name and by the first bytes.',
};
const mboxFormat: Parameter<SourceOptions['mboxFormat']> = {
  name: 'MboxFormat',
  type: enumeration(['auto', 'mboxo', 'mboxrd', 'mboxcl', 'mboxcl2']),
  help: 'How body lines that begin with "From " are protected in an mbox.',
};
const flat: Parameter<boolean> = {
  name: 'Flat',
  type: boolean,
  isSwitch: true,
  help: 'Everything into one folder.',
};
const dates: Parameter<SourceOptions['dates']> = {
  name: 'Date',
  type: enumeration(['received', 'file']),
  help: 'When .eml files arrived: what their header says, or the time of the file.',
};
const again: Parameter<boolean> = {
  name: 'Again',
  type: boolean,
  isSwitch: true,
  help: 'Forgets what earlier runs of this import have brought in.',
};
const targetFolder: Parameter<string> = {
  name: 'TargetFolder',
  aliases: ['TargetRootFolder'],
  type: text({ min: 1, max: 1000 }),
  help: 'Folder it goes to, folders of the source below it. Without it: INBOX, and folders as they are.',
};

const importMailbox: ChangingCmdlet = {
  name: 'Import-Mailbox',
  aliases: ['New-MailboxImportRequest'],
  changes: true,
  synopsis: 'Takes mail from files on the server into a mailbox: .eml, mbox, Maildir.',
  description:
    'Dates, flags, keywords and folders are kept as far as the files have them. A message that cannot be taken is reported and passed over. Given again after an interruption, it goes on where it was, and takes nothing twice. Quotas hold nothing up, and count afterwards: Get-MailboxStatistics. Exchange takes .pst files; Penfold does not.',
  parameters: [
    oneMailbox,
    sources,
    targetFolder,
    importFormat,
    mboxFormat,
    flat,
    dates,
    again,
    domainControllerParameter,
  ],
  examples: [
    { line: 'Import-Mailbox <Mailbox> -FilePath backup', says: 'Brings back what Export-Mailbox wrote to backup.' },
    {
      line: 'Import-Mailbox <Mailbox> -FilePath backup -TargetFolder Archive/2019 -WhatIf',
      says: 'Shows how much would come in.',
    },
  ],
  roles: MAY_TRANSFER,
  columns: ['Identity', 'ImportedItems', 'SkippedItems', 'BadItems', 'Size'],
  async plan(call): Promise<Plan> {
    const { args, services } = call;
    const account = await mailboxNamed(services.directory, args.get(oneMailbox));
    const places = args.get(sources).map((typed) => placeOf(call, typed));
    if (places.length === 0) throw new Failure('CANNOT', 'Import-Mailbox needs a file or folder: -FilePath');
    for (const place of places) {
      const there = await stat(place).catch(() => null);
      if (there === null) throw new Failure('NONEXISTENT', `${place} is not there on the server, or cannot be read`);
    }
    const how: SourceOptions = {
      format: args.optional(importFormat) ?? 'auto',
      mboxFormat: args.optional(mboxFormat) ?? 'auto',
      flat: args.optional(flat) ?? false,
      dates: args.optional(dates) ?? 'received',
    };
    const size = await measureSource(places, how);
    const base = args.optional(targetFolder) ?? null;
    return {
      what: `Import ${sizeCell(size).text} from ${places.join(', ')} into mailbox ${account.alias}${base === null ? '' : `, folder ${base}`}`,
      dangerous: false,
      apply: () => applying(() => runImport(call, account, { places, how, size, base })),
    };
  },
};

interface ImportPlan {
  readonly places: readonly string[];
  readonly how: SourceOptions;
  readonly size: number;
  readonly base: string | null;
}

async function runImport(call: CmdletCall, account: MailboxAccount, { places, how, size, base }: ImportPlan) {
  const { args, services, signal } = call;
  const database = services.mail.databaseOf(account);
  await audited(call, account, 'imported', { FilePath: places.join(', '), TargetFolder: base ?? '' });
  const scope = [account.mailbox.id, base ?? '', JSON.stringify(how), ...places];
  const journal = await ImportJournal.open(services.transferFolder ?? '', scope, {
    again: args.optional(again) === true,
  });
  let complete = false;
  try {
    const mailbox = await database.open(account.mailbox.id);
    try {
      let problems = 0;
      const done = await importInto(mailboxImport(database, mailbox), readSource(places, how), journal, {
        base,
        signal,
        onProgress: (now) => call.progress(now.bytes, size, `importing, ${now.messages} messages so far`),
        onProblem: (origin, why) => {
          problems += 1;
          if (problems <= PROBLEMS_TOLD) call.warn(`passed over: ${origin}: ${why}`);
        },
      });
      if (problems > PROBLEMS_TOLD) call.warn(`${problems - PROBLEMS_TOLD} more messages were passed over`);
      complete = !signal.aborted;
      return [
        {
          Identity: account.alias,
          ImportedItems: done.messages,
          SkippedItems: done.skipped,
          BadItems: done.problems,
          Size: sizeCell(done.bytes),
        },
      ];
    } finally {
      mailbox.close();
    }
  } finally {
    await journal.close(complete);
  }
}

const exportFormat: Parameter<'mbox' | ExportFormat> = {
  name: 'Format',
  type: enumeration(['eml', 'maildir', 'mbox', 'mboxo', 'mboxrd', 'mboxcl', 'mboxcl2']),
  help: 'eml without it; mbox means mboxrd.',
};
const sourceFolder: Parameter<string> = {
  name: 'SourceFolder',
  aliases: ['SourceRootFolder'],
  type: text({ min: 1, max: 1000 }),
  help: 'Only this folder and those below it.',
};

const exportMailbox: ChangingCmdlet = {
  name: 'Export-Mailbox',
  aliases: ['New-MailboxExportRequest'],
  changes: true,
  synopsis: 'Writes a mailbox to files on the server: .eml, mbox, Maildir.',
  description:
    'Bytes, dates, flags, keywords, folders and POP3 unique-ids are all there; Import-Mailbox brings them back. Given again for the same folder, what has not changed is left as it is. The mailbox itself stays as it is.',
  parameters: [oneMailbox, destination, sourceFolder, exportFormat, domainControllerParameter],
  examples: [
    { line: 'Export-Mailbox <Mailbox> -FilePath backup', says: 'All folders, to transfer/files/backup.' },
    {
      line: 'Export-Mailbox <Mailbox> -FilePath inbox -SourceFolder INBOX -Format mbox -WhatIf',
      says: 'Shows what would be written as one mbox file.',
    },
  ],
  roles: MAY_TRANSFER,
  columns: ['Identity', 'FilePath', 'ExportedItems', 'UnchangedFolders', 'BadItems', 'Size'],
  async plan(call): Promise<Plan> {
    const { args, services } = call;
    const account = await mailboxNamed(services.directory, args.get(oneMailbox));
    const place = placeOf(call, args.get(destination));
    const format = args.optional(exportFormat) ?? 'eml';
    const folder = args.optional(sourceFolder) ?? null;
    const stored = new StoredMailboxes(services.mail);
    const usage = await stored.using(account, async (mailbox) => {
      if (folder !== null && mailbox.folderByName(folder) === null)
        throw new Failure('NONEXISTENT', `${account.alias} has no folder ${folder}`);
      return mailbox.usage();
    });
    const much = usage === null ? 'nothing yet' : `${usage.messages} messages, ${sizeCell(usage.bytes).text}`;
    return {
      what: `Export mailbox ${account.alias} (${much})${folder === null ? '' : `, folder ${folder} only`}, to ${place} as ${format}`,
      dangerous: false,
      apply: () =>
        applying(async () => {
          await audited(call, account, 'exported', { FilePath: place, SourceFolder: folder ?? '' });
          const done = await runExport(call, account, { place, format, folder, total: usage?.messages ?? 0 });
          for (const problem of done.problems.slice(0, PROBLEMS_TOLD)) call.warn(problem);
          return [
            {
              Identity: account.alias,
              FilePath: place,
              ExportedItems: done.messages,
              UnchangedFolders: done.skippedFolders,
              BadItems: done.problems.length,
              Size: sizeCell(done.bytes),
            },
          ];
        }),
    };
  },
};

interface ExportPlan {
  readonly place: string;
  readonly format: 'mbox' | ExportFormat;
  readonly folder: string | null;
  readonly total: number;
}

/** @throws Failure CANNOT with what an admin can mend: the folder holds something else, the disk is full */
async function runExport(call: CmdletCall, account: MailboxAccount, { place, format, folder, total }: ExportPlan) {
  const mailbox = await call.services.mail.databaseOf(account).open(account.mailbox.id);
  try {
    const onProgress = (now: WriteProgress): void => {
      call.signal.throwIfAborted();
      call.progress(now.messages, total, 'exporting');
    };
    const options = { format: format === 'mbox' ? 'mboxrd' : format, mailbox: account.mailbox.primaryAddress } as const;
    return await writeTree(place, { ...options, onProgress }, itemsOf(mailbox, { folder }));
  } catch (error) {
    if (error instanceof Failure || !(error instanceof Error)) throw error;
    throw new Failure('CANNOT', error.message, { cause: error });
  } finally {
    mailbox.close();
  }
}

export const mailboxTransferCmdlets: readonly Cmdlet[] = [importMailbox, exportMailbox];
