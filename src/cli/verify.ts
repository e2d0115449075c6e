/** `penfold verify`: compares every stored fact with a recount. */
import type { Command } from 'commander';
import { localActor } from './local-actor.ts';
import { type DataOption, layoutOf, withData } from './options.ts';
import { EXIT, print } from './output.ts';
import { Progress } from './progress.ts';

export function addVerify(program: Command): void {
  withData(program.command('verify'))
    .description('check mailboxes: counters, indexes and stored bytes; changes nothing')
    .argument('[address...]', 'mailboxes (default: all)')
    .addHelpText('after', '\nExamples:\n  penfold verify\n  penfold verify ada@example.org')
    .action(async (addresses: string[], options: DataOption) => {
      const { openInstance } = await import('../main/instance.ts');
      const instance = await openInstance(layoutOf(options), localActor('verify'));
      const progress = new Progress(addresses.length);
      try {
        let mailboxes = 0;
        let messages = 0;
        let problems = 0;
        for await (const account of instance.mailboxes(addresses)) {
          const address = account.mailbox?.primaryAddress ?? '';
          const report = await instance.verify(account);
          mailboxes += 1;
          messages += report.messages;
          problems += report.problems.length;
          for (const problem of report.problems) progress.note(`${address}: ${problem}`);
          progress.show(mailboxes, () => `${mailboxes} mailboxes, ${messages} messages`);
        }
        progress.clear();
        print(
          `${mailboxes} mailboxes, ${messages} messages: ${problems === 0 ? 'no problem' : `${problems} problems`}`,
        );
        if (problems > 0) process.exitCode = EXIT.withProblems;
      } finally {
        progress.clear();
        await instance.close();
      }
    });
}
