/** The table of a run, as text on the screen, as bench/RESULTS.md and as one plot. */
import { readFile, writeFile } from 'node:fs/promises';
import os from 'node:os';
import type { Row } from './row.ts';

export interface RowResult {
  readonly row: Row;
  /** Figures of each round by peer, in round order. */
  readonly figures: ReadonlyMap<string, readonly number[]>;
}

interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median =
    sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
  return { min: sorted[0] ?? 0, median, max: sorted.at(-1) ?? 0 };
}

/** Ours ÷ theirs round by round: what shared the machine with one round hit both. */
function ratios(result: RowResult, peer: string): number[] {
  const ours = result.figures.get('Penfold') ?? [];
  const theirs = result.figures.get(peer) ?? [];
  const pairs = Math.min(ours.length, theirs.length);
  return Array.from({ length: pairs }, (_, i) => {
    const [a = 0, b = 0] = [ours[i], theirs[i]];
    return result.row.smallerIsBetter === true ? b / a : a / b;
  });
}

function figure(value: number): string {
  if (value >= 10_000) return `${Math.round(value / 1000).toLocaleString('en')} k`;
  if (value >= 100) return Math.round(value).toLocaleString('en');
  return value.toPrecision(3);
}

function times(values: readonly number[]): string {
  if (values.length === 0) return '–';
  const { min, median, max } = spread(values);
  return `${min.toPrecision(3)} / **${median.toPrecision(3)}** / ${max.toPrecision(3)}`;
}

/** Whether the row reaches what design.md §9 asks: by ratio to the tuned peer, or by its absolute bound. */
function reached(result: RowResult): string {
  const { row } = result;
  if (row.bound !== undefined) {
    const ours = spread(result.figures.get('Penfold') ?? []).median;
    return ours === 0 ? '–' : ours <= row.bound ? 'yes' : 'no';
  }
  const values = ratios(result, 'Dovecot tuned');
  if (values.length === 0 || row.budget === null) return '–';
  return spread(values).median >= row.budget ? 'yes' : 'no';
}

function budget(row: Row): string {
  return row.bound === undefined ? `${row.budget ?? 1}×` : `≤ ${row.bound} ${row.unit}`;
}

export function printTable(results: readonly RowResult[]): void {
  for (const result of results) {
    const columns = [...result.figures].map(([peer, values]) => `${peer} ${figure(spread(values).median)}`).join(' · ');
    console.log(
      `${result.row.title} [${result.row.unit}]: ${columns} → ${times(ratios(result, 'Dovecot tuned')).replaceAll('*', '')} (budget ${budget(result.row)}: ${reached(result)})`,
    );
  }
}

export async function writeReport(
  table: string,
  plot: string,
  results: readonly RowResult[],
  run: { count: number; rounds: number; whole: boolean },
): Promise<void> {
  const cpu = os.cpus()[0]?.model ?? 'unknown CPU';
  const before = await readFile(table, 'utf8').catch(() => '# Measured\n\n<!-- table: -->\n<!-- end of table -->\n');
  const start = before.indexOf('<!-- table:');
  const end = before.indexOf('<!-- end of table -->') + '<!-- end of table -->'.length;
  const measured = results.map((result) => {
    const cell = (peer: string): string => {
      const values = result.figures.get(peer) ?? [];
      return values.length === 0 ? '–' : figure(spread(values).median);
    };
    return `| ${result.row.title} | ${result.row.unit} | ${cell('Penfold')} | ${cell('Dovecot tuned')} | ${cell('Dovecot defaults')} | ${cell('Dovecot hibernating')} | ${times(ratios(result, 'Dovecot tuned'))} | ${times(ratios(result, 'Dovecot defaults'))} | ${budget(result.row)} | ${reached(result)} |`;
  });
  // A run of some rows replaces these in the table; the rest, and the plot, stay from the last whole run.
  const lines = run.whole ? measured : merged(tableLines(before.slice(start, end)), measured);
  const generated = `<!-- table: written by \`npm run bench -- --write\` -->
Run of ${new Date().toISOString().slice(0, 10)} on ${os.cpus().length} × ${cpu}, ${Math.round(os.totalmem() / 2 ** 30)} GiB, Node ${process.version}: ${run.count} messages, up to ${run.rounds} rounds, peers alternating within a round. Ratios are ours ÷ theirs as speed: min / **median** / max over the rounds.

| row | unit | Penfold | Dovecot tuned | Dovecot defaults | Dovecot hibernating | ratio to tuned | ratio to defaults | budget | reached |
|---|---|---:|---:|---:|---:|---|---|---|---|
${lines.join('\n')}
<!-- end of table -->`;
  await writeFile(table, `${before.slice(0, start)}${generated}${before.slice(end)}`);
  if (run.whole) await writeFile(plot, svg(results));
}

/** Data rows of the table as it stands. */
function tableLines(text: string): string[] {
  return text.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| row |'));
}

function merged(before: readonly string[], measured: readonly string[]): string[] {
  const title = (line: string): string => line.split('|')[1]?.trim() ?? '';
  const fresh = new Map(measured.map((line) => [title(line), line]));
  return before.map((line) => fresh.get(title(line)) ?? line);
}

/** Ratios to the tuned peer on a logarithmic axis, the budget as a mark. */
function svg(results: readonly RowResult[]): string {
  const rows = results
    .map((result) => ({ result, values: ratios(result, 'Dovecot tuned') }))
    .filter(({ values }) => values.length > 0);
  const [left, width, step] = [330, 640, 24];
  const height = rows.length * step + 70;
  const x = (ratio: number): number => left + (width * (Math.log10(Math.min(1000, Math.max(0.1, ratio))) + 1)) / 4;
  const ticks = [0.1, 1, 10, 100, 1000];
  const text = 'font-family="sans-serif" font-size="12"';
  const bars = rows.map(({ result, values }, index) => {
    const y = 50 + index * step;
    const { min, median, max } = spread(values);
    const asked = result.row.budget;
    return [
      `<text x="${left - 8}" y="${y + 4}" text-anchor="end" ${text}>${result.row.title.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</text>`,
      `<line x1="${x(min).toFixed(1)}" x2="${x(max).toFixed(1)}" y1="${y}" y2="${y}" stroke="#2563a8" stroke-width="3"/>`,
      `<circle cx="${x(median).toFixed(1)}" cy="${y}" r="5" fill="#2563a8"/>`,
      asked === null
        ? ''
        : `<line x1="${x(asked).toFixed(1)}" x2="${x(asked).toFixed(1)}" y1="${y - 8}" y2="${y + 8}" stroke="#c2410c" stroke-width="2"/>`,
    ].join('');
  });
  const axis = ticks.map(
    (tick) =>
      `<line x1="${x(tick)}" x2="${x(tick)}" y1="34" y2="${height - 16}" stroke="${tick === 1 ? '#666' : '#ddd'}"/><text x="${x(tick)}" y="28" text-anchor="middle" ${text}>${tick}×</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 ${height}" role="img" aria-label="Speed of Penfold against tuned Dovecot, by row"><rect width="1000" height="${height}" fill="#fff"/>${axis.join('')}${bars.join('')}<text x="8" y="16" ${text}>Penfold ÷ Dovecot tuned, higher is better: line min–max, dot median, orange mark = budget</text></svg>\n`;
}
