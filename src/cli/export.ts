/** `penfold export` */
import { type Command, Option } from 'commander';
import type { ExportFormat } from '../management/transfer/write-tree.ts';
import { localActor } from './local-actor.ts';
import { type DataOption, layoutOf, withData } from './options.ts';
import { bytesText, EXIT, print } from './output.ts';
import { Progress } from './progress.ts';

interface ExportOptions extends DataOption {
  readonly mailbox: string;
  readonly folder?: string;
  readonly format: 'mbox' | ExportFormat;
}

export function addExport(program: Command): void {
  withData(program.command('export'))
    .description('write a mailbox to files: .eml, mbox, Maildir')
    .argument('<directory>', 'where to; new or empty, or an earlier export to bring up to date')
    .requiredOption('--mailbox <address>', 'mailbox to export')
    .option('--folder <name>', 'only this folder and those below it')
    .addOption(
      new Option('--format <format>', 'mbox means mboxrd')
        .choices(['eml', 'maildir', 'mbox', 'mboxo', 'mboxrd', 'mboxcl', 'mboxcl2'])
        .default('eml'),
    )
    .addHelpText(
      'after',
      `
Examples:
  penfold export backup/ --mailbox ada@example.org
  penfold export archive/ --mailbox ada@example.org --format mbox --folder Archive

Bytes, dates, flags, keywords, folders and POP3 unique-ids are all there; penfold import brings them back. Given again
for the same directory, folders that have not changed are left as they are.`,
    )
    .action(run);
}

async function run(directory: string, options: ExportOptions): Promise<void> {
  const { openInstance } = await import('../main/instance.ts');
  const { writeTree } = await import('../management/transfer/write-tree.ts');
  const path = await import('node:path');
  const instance = await openInstance(layoutOf(options), localActor('export'));
  const progress = new Progress(0);
  try {
    const account = await instance.accountWithMailbox(options.mailbox);
    const mailbox = account.mailbox?.primaryAddress ?? options.mailbox;
    await instance.recordTransfer(account, 'exported', {
      FilePath: path.resolve(directory),
      SourceFolder: options.folder ?? '',
    });
    const done = await writeTree(
      directory,
      {
        format: options.format === 'mbox' ? 'mboxrd' : options.format,
        mailbox,
        onProgress: (now) => progress.show(0, () => `${now.messages} messages, ${bytesText(now.bytes)}`),
      },
      instance.exportItems(account, options.folder ?? null),
    );
    progress.clear();
    for (const problem of done.problems) process.stderr.write(`${problem}\n`);
    const unchanged = done.skippedFolders > 0 ? `, ${done.skippedFolders} folders had not changed` : '';
    print(`exported ${done.messages} messages, ${bytesText(done.bytes)}${unchanged}, to ${directory}`);
    if (done.problems.length > 0) process.exitCode = EXIT.withProblems;
  } finally {
    progress.clear();
    await instance.close();
  }
}
