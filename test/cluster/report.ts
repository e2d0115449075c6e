/** The table of faults: printed by every run, and kept in docs/admin/faults.md by `npm run test:cluster -- --write`. */
import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import path from 'node:path';

export interface FaultRow {
  readonly fault: string;
  readonly how: string;
  readonly clients: number;
  /** Messages and flags that were acknowledged up to the check behind the fault; all of them are there. */
  readonly acknowledged: number;
  /** Clients that were told "not now", and connections that ended. */
  readonly refused: number;
  readonly broken: number;
  /** Longest time in which one client was not served, the fault included; ms. */
  readonly longestMs: number;
  /** From the end of the fault until every client had been served again; ms. */
  readonly recoveryMs: number;
}

const HEADS = ['fault', 'what is done', 'refused for now', 'connections ended', 'longest gap of a client', 'recovery'];

export function faultTable(rows: readonly FaultRow[]): string {
  const cells = rows.map((row) => [
    row.fault,
    row.how,
    String(row.refused),
    String(row.broken),
    seconds(row.longestMs),
    seconds(row.recoveryMs),
  ]);
  const line = (texts: readonly string[]): string => `| ${texts.join(' | ')} |`;
  return [line(HEADS), line(HEADS.map(() => '---')), ...cells.map(line)].join('\n');
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

export async function writeFaultDocument(rows: readonly FaultRow[]): Promise<void> {
  const file = path.join(import.meta.dirname, '..', '..', 'docs', 'admin', 'faults.md');
  const last = rows.at(-1);
  await writeFile(
    file,
    `# Faults

Made by \`npm run test:cluster -- --write\`: two sites of two front ends and two back ends, 40 ms apart (one round trip), a
PostgreSQL for the directory and one in each site for a mailbox database, mailboxes on SQLite and on PostgreSQL. During
each fault ${last?.clients ?? 0} clients append, flag, send and fetch through all front ends. Behind each fault every mailbox is compared with
what clients were told: ${last?.acknowledged ?? 0} acknowledged messages by the last of them, each there exactly once, with its flags; a right
password was never called wrong, and no refusal said anything but "not now".

Everything ran on one machine with ${cpus().length} processors, together with whatever else it did; times are those of that run, no promise.
"Longest gap" holds the time of the fault itself; "recovery" is from its end until the last client was served again.

${faultTable(rows)}

A clock that jumps is made with libfaketime inside the process: a network namespace has no wall clock of its own. It shows
what the program makes of a wrong clock, not what a kernel or another program would do.
`,
  );
}
