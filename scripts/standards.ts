/**
 * standards/index.tsv says of every RFC what Penfold does with it. This script holds it to the truth: each file and
 * test named there exists, and each RFC cited in src/ has a row.
 */
import { existsSync } from 'node:fs';
import { glob, readFile } from 'node:fs/promises';
import path from 'node:path';

const STATUSES = new Set(['done', 'partial', 'planned', 'not planned', 'read']);

export async function checkStandards(root: string): Promise<string[]> {
  const problems: string[] = [];
  const rows = (await readFile(path.join(root, 'standards', 'index.tsv'), 'utf8'))
    .split('\n')
    .filter((row) => row !== '' && !row.startsWith('#'));
  const listed = new Set<string>();
  for (const [index, row] of rows.entries()) {
    if (index === 0) continue;
    const [rfc = '', status = '', file = '', test = '', note] = row.split('\t');
    if (note === undefined) problems.push(`standards/index.tsv: row for ${rfc} has not five columns`);
    if (listed.has(rfc)) problems.push(`standards/index.tsv: ${rfc} stands twice`);
    listed.add(rfc);
    if (!STATUSES.has(status)) problems.push(`standards/index.tsv: ${rfc}: unknown status "${status}"`);
    if (status === 'done' && (file === '-' || test === '-'))
      problems.push(`standards/index.tsv: ${rfc} is done but names no file or no test`);
    for (const name of [file, test].flatMap((list) => list.split(' '))) {
      if (name !== '-' && name !== '' && !existsSync(path.join(root, name)))
        problems.push(`standards/index.tsv: ${rfc}: ${name} does not exist`);
    }
  }
  for await (const file of glob('src/**/*.ts', { cwd: root })) {
    const text = await readFile(path.join(root, file), 'utf8');
    for (const [, number] of text.matchAll(/RFC (\d{3,5})/g)) {
      if (number !== undefined && !listed.has(number)) {
        problems.push(`${file}: cites RFC ${number}, which has no row in standards/index.tsv`);
        listed.add(number);
      }
    }
  }
  return problems;
}
