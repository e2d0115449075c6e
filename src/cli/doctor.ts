/** `penfold doctor`: looks at everything mail depends on and says what to do. */
import type { Command } from 'commander';
import { type DataOption, layoutOf, withData } from './options.ts';
import { EXIT, print } from './output.ts';

interface DoctorOptions extends DataOption {
  readonly json?: boolean;
  readonly all?: boolean;
}

const MARKS = { ok: '+', advice: '!', problem: 'X', unknown: '?' } as const;

export function addDoctor(program: Command): void {
  withData(program.command('doctor'))
    .description(
      'check DNS, ports, certificates, disk, clock, permissions and settings; exit code 4 when something is wrong',
    )
    .option('--all', 'show what is well, too')
    .option('--json', 'one JSON array')
    .addHelpText(
      'after',
      `
Examples:
  penfold doctor
  penfold doctor --all

Marks: X somebody cannot do something, ! works and could be better, ? could not be looked at, + is well.
Below each stands what to type or to do. Nothing is changed.`,
    )
    .action(async (options: DoctorOptions) => {
      const { openDoctor } = await import('../main/doctor.ts');
      const doctor = await openDoctor(layoutOf(options));
      const counts = { ok: 0, advice: 0, problem: 0, unknown: 0 };
      const all: object[] = [];
      try {
        for await (const finding of doctor.findings()) {
          counts[finding.verdict] += 1;
          if (options.json === true) {
            all.push(finding);
            continue;
          }
          if (finding.verdict === 'ok' && options.all !== true) continue;
          print(`${MARKS[finding.verdict]} ${finding.area}: ${finding.text}`);
          if (finding.fix !== null && finding.verdict !== 'ok') print(`    ${finding.fix}`);
        }
      } finally {
        await doctor.close();
      }
      if (options.json === true) print(JSON.stringify(all));
      else
        print(
          `${counts.problem} problems, ${counts.advice} advices, ${counts.ok} checks are well${counts.unknown > 0 ? `, ${counts.unknown} could not be made` : ''}`,
        );
      if (counts.problem > 0) process.exitCode = EXIT.withProblems;
    });
}
