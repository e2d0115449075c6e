/** `penfold why-cannot-log-on USER`: the answer to the question that is asked most. */
import { type Command, Option } from 'commander';
import { type DataOption, layoutOf, withData } from './options.ts';
import { EXIT, print } from './output.ts';

const PROTOCOLS = ['imap', 'pop3', 'smtp'] as const;
type Protocol = (typeof PROTOCOLS)[number];

interface WhyOptions extends DataOption {
  readonly protocol?: Protocol;
  readonly json?: boolean;
}

export function addWhyCannotLogOn(program: Command): void {
  withData(program.command('why-cannot-log-on'))
    .description('what stands between a person and his mail, and the cure; exit code 4 when something does')
    .argument('<user>', 'what he types as user name')
    .addOption(new Option('--protocol <name>', 'only this one').choices(PROTOCOLS))
    .option('--json', 'one JSON array')
    .addHelpText(
      'after',
      `
Examples:
  penfold why-cannot-log-on ada@example.org
  penfold why-cannot-log-on 'ada@example.org/sales' --protocol imap

A wrong password cannot be seen from here: when all is well, set a new one: penfold password set USER`,
    )
    .action(async (user: string, options: WhyOptions) => {
      const { readConfiguration } = await import('../config/read.ts');
      const { openDirectory, ownServer } = await import('../main/open-directory.ts');
      const { runningInstance } = await import('../main/instance.ts');
      const { why } = await import('../management/why.ts');
      const layout = layoutOf(options);
      const configuration = await readConfiguration(layout.configuration);
      const directory = await openDirectory(layout);
      try {
        const server = await ownServer(directory, configuration.server.name);
        const running = await runningInstance(layout, configuration);
        const lockOuts = running === null ? null : await running.lockOuts();
        const found: Array<{ protocol: Protocol } & Awaited<ReturnType<typeof why>>[number]> = [];
        for (const protocol of options.protocol === undefined ? PROTOCOLS : [options.protocol]) {
          const checks = await why(directory, server, lockOuts, user, protocol);
          found.push(...checks.map((check) => ({ protocol, ...check })));
        }
        if (options.json === true) print(JSON.stringify(found));
        else show(found);
        if (found.some((one) => one.result === 'refused')) process.exitCode = EXIT.withProblems;
      } finally {
        await directory.close();
      }
    });
}

const TITLES: Readonly<Record<Protocol, string>> = { imap: 'IMAP4', pop3: 'POP3', smtp: 'Sending (SMTP)' };
const MARKS = { ok: '+', refused: 'X', unknown: '?' } as const;

interface Shown {
  readonly protocol: Protocol;
  readonly result: keyof typeof MARKS;
  readonly text: string;
  readonly fix: string | null;
}

function show(found: readonly Shown[]): void {
  for (const protocol of PROTOCOLS) {
    const checks = found.filter((one) => one.protocol === protocol);
    if (checks.length === 0) continue;
    const refused = checks.filter((one) => one.result === 'refused');
    const verdict = refused.length === 0 ? 'nothing stands in the way but a wrong password' : 'no';
    print(`${TITLES[protocol]}: ${verdict}`);
    for (const { result, text, fix } of checks) {
      print(`  ${MARKS[result]} ${text}`);
      if (result === 'refused' && fix !== null) print(`      ${fix}`);
    }
  }
}
