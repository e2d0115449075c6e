/** `penfold import` */
import { type Command, Option } from 'commander';
import type { SourceOptions } from '../management/transfer/source.ts';
import { localActor } from './local-actor.ts';
import { type DataOption, layoutOf, withData } from './options.ts';
import { bytesText, CommandError, EXIT, print } from './output.ts';
import { Progress } from './progress.ts';

interface ImportOptions extends DataOption {
  readonly mailbox: string;
  readonly folder?: string;
  readonly format: SourceOptions['format'];
  readonly mboxFormat: SourceOptions['mboxFormat'];
  readonly flat?: boolean;
  readonly date: SourceOptions['dates'];
  readonly again?: boolean;
}

export function addImport(program: Command): void {
  withData(program.command('import'))
    .description('take mail of old into a mailbox: .eml files, mbox, Maildir')
    .argument('<source...>', 'files and folders')
    .requiredOption('--mailbox <address>', 'mailbox it goes to')
    .option(
      '--folder <name>',
      'folder it goes to, folders of the source below it (default: INBOX, and folders as they are)',
    )
    .addOption(
      new Option('--format <format>', 'what the source is').choices(['auto', 'eml', 'mbox', 'maildir']).default('auto'),
    )
    .addOption(
      new Option('--mbox-format <habit>', 'how body lines "From …" are protected')
        .choices(['auto', 'mboxo', 'mboxrd', 'mboxcl', 'mboxcl2'])
        .default('auto'),
    )
    .option('--flat', 'everything into one folder')
    .addOption(
      new Option('--date <which>', 'when .eml files arrived: what their header says, or the time of the file')
        .choices(['received', 'file'])
        .default('received'),
    )
    .option('--again', 'forget what earlier runs of this import have brought in')
    .addHelpText(
      'after',
      `
Examples:
  penfold import ~/Maildir --mailbox ada@example.org
  penfold import archive.mbox --mailbox ada@example.org --folder Archive/2019
  penfold import backup/ --mailbox ada@example.org        (what penfold export wrote)

Dates, flags, keywords and folders are kept as far as the source has them. A loose .eml file arrived when its topmost
Received field says, else its Date field, else at the time of the file. A message that cannot be taken is reported and
passed over. An import that was interrupted goes on where it was when the same command is given again, and messages taken
once are not taken twice.`,
    )
    .action(run);
}

async function run(sources: string[], options: ImportOptions): Promise<void> {
  const { stat } = await import('node:fs/promises');
  const path = await import('node:path');
  const { openInstance } = await import('../main/instance.ts');
  const { importInto } = await import('../management/transfer/import.ts');
  const { ImportJournal } = await import('../management/transfer/journal.ts');
  const { measureSource, readSource } = await import('../management/transfer/source.ts');
  const paths = sources.map((source) => path.resolve(source));
  for (const one of paths) {
    await stat(one).catch(() => {
      throw new CommandError(`${one} does not exist or cannot be read`, { exitCode: EXIT.absent });
    });
  }
  const layout = layoutOf(options);
  const what = { format: options.format, mboxFormat: options.mboxFormat, flat: options.flat === true };
  const how: SourceOptions = { ...what, dates: options.date };
  const instance = await openInstance(layout, localActor('import'));
  try {
    const account = await instance.accountWithMailbox(options.mailbox);
    const scope = [account.mailbox?.id ?? '', options.folder ?? '', JSON.stringify(what), ...paths];
    const journal = await ImportJournal.open(layout.transfer, scope, { again: options.again === true });
    await instance.recordTransfer(account, 'imported', {
      FilePath: paths.join(', '),
      TargetFolder: options.folder ?? '',
    });
    const progress = new Progress(await measureSource(paths, how));
    const stop = new AbortController();
    const interrupt = (): void => {
      progress.note('stopping after this message; the same command goes on from here');
      stop.abort();
    };
    process.once('SIGINT', interrupt);
    process.once('SIGTERM', interrupt);
    const begun = performance.now();
    const target = await instance.importTarget(account);
    let complete = false;
    try {
      const done = await importInto(target, readSource(paths, how), journal, {
        base: options.folder ?? null,
        signal: stop.signal,
        onProgress: (now) => progress.show(now.bytes, () => `${now.messages} messages, ${bytesText(now.bytes)}`),
        onProblem: (origin, text) => progress.note(`skipped: ${origin}: ${text}`),
      });
      complete = !stop.signal.aborted;
      progress.clear();
      const seconds = (performance.now() - begun) / 1000;
      const parts = [`imported ${done.messages} messages`];
      if (done.skipped > 0) parts.push(`${done.skipped} were there already`);
      if (done.problems > 0) parts.push(`${done.problems} could not be taken (listed above)`);
      print(`${parts.join(', ')}; ${bytesText(done.bytes)} in ${seconds.toFixed(1)} s`);
      if (done.problems > 0) process.exitCode = EXIT.withProblems;
      if (!complete) process.exitCode = EXIT.failed;
    } finally {
      process.off('SIGINT', interrupt);
      process.off('SIGTERM', interrupt);
      progress.clear();
      await target.close();
      await journal.close(complete);
    }
  } finally {
    await instance.close();
  }
}
