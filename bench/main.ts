/**
 * `npm run bench [-- --count 50000 --rounds 5 --only id,id --peers penfold,tuned,default --keep DIR --write]`
 *
 * Measures every row of the design's budget table on this machine, Penfold and Dovecot in one run with the same raw
 * client, alternating round by round so that the ratio survives a noisy machine. `--write` puts the table into
 * bench/RESULTS.md and the plot into bench/results.svg; without it the table is printed only.
 */
import { chmodSync, mkdtempSync, mkdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { BenchCorpus } from './corpus.ts';
import { dovecotInstalled, startDovecot } from './peers/dovecot.ts';
import type { Peer, PeerUser } from './peers/peer.ts';
import { startPenfold } from './peers/penfold.ts';
import { postfixInstalled, startPostfix } from './peers/postfix.ts';
import { load } from './load.ts';
import { printTable, type RowResult, writeReport } from './report.ts';
import type { Bench, Row } from './row.ts';
import { deliveryRows } from './rows/delivery.ts';
import { fetchRows } from './rows/fetch.ts';
import { searchRows } from './rows/search.ts';
import { sessionRows } from './rows/session.ts';
import { writeRows } from './rows/write.ts';

const USERS = 130;
const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '50000' },
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', default: '' },
    peers: { type: 'string', default: 'penfold,tuned,default' },
    keep: { type: 'string', default: '' },
    write: { type: 'boolean', default: false },
  },
});
const count = Number(values.count);
const rounds = Number(values.rounds);
const wanted = values.only === '' ? null : new Set(values.only.split(','));
const rows: readonly Row[] = [...fetchRows, ...searchRows, ...deliveryRows, ...writeRows, ...sessionRows].filter(
  (row) => wanted?.has(row.id) ?? true,
);
const corpus = new BenchCorpus(count);
const directory =
  values.keep === '' ? mkdtempSync(path.join(os.tmpdir(), 'penfold-bench-')) : path.resolve(values.keep);
mkdirSync(directory, { recursive: true });
// The peers' own users have to reach their files below it.
chmodSync(directory, 0o755);

const chosen = values.peers.split(',');
const stops: Array<() => Promise<void>> = [];
const benches: Bench[] = [];
const dovecotUsers = Array.from(
  { length: USERS },
  (_, i): PeerUser => ({ name: `bench${i + 1}`, password: 'correct horse battery' }),
);

async function add(peer: Peer): Promise<void> {
  stops.push(() => peer.stop());
  console.error(`loading ${count} messages into ${peer.name} …`);
  const rate = await load(peer, corpus, count);
  console.error(`  ${peer.name}: ${rate === null ? 'was loaded' : `${Math.round(rate)} msg/s`}`);
  benches.push({ peer, corpus, count });
}

let hibernating: Peer | null = null;
try {
  if (chosen.includes('penfold'))
    await add(await startPenfold(path.join(directory, 'penfold'), 'correct horse battery', USERS));
  for (const flavour of ['tuned', 'default'] as const) {
    if (!chosen.includes(flavour)) continue;
    if (!dovecotInstalled()) {
      console.error(
        'Dovecot is not installed (apt-get install dovecot-imapd dovecot-pop3d dovecot-lmtpd postfix): measured without a peer',
      );
      continue;
    }
    const home = path.join(directory, flavour);
    const dovecot = await startDovecot({ directory: home, flavour, users: dovecotUsers });
    const { lmtpSocket } = dovecot;
    if (postfixInstalled() && lmtpSocket !== null) {
      const postfix = await startPostfix(home, lmtpSocket);
      stops.push(postfix.stop);
      await add(Object.defineProperty(dovecot, 'smtp', { value: postfix.smtp }));
    } else await add(dovecot);
    if (flavour === 'tuned' && rows.some((row) => row.id.startsWith('idle-memory'))) {
      const home = path.join(directory, 'hibernating');
      hibernating = await startDovecot({ directory: home, flavour: 'tuned', users: dovecotUsers, hibernateAfter: 2 });
      const peer = hibernating;
      stops.push(() => peer.stop());
    }
  }

  const results: RowResult[] = [];
  for (const row of rows) {
    const figures = new Map<string, number[]>();
    const peers =
      row.id.startsWith('idle-memory') && hibernating !== null
        ? [...benches, { peer: hibernating, corpus, count }]
        : benches;
    const able = peers.filter(({ peer }) => row.id !== 'smtp' || peer.smtp !== null);
    for (const bench of able) await row.prepare?.(bench);
    // One unmeasured round of the quick rows: what is asked is how a server runs, not how it wakes up.
    for (let round = row.rounds === undefined ? -1 : 0; round < Math.min(rounds, row.rounds ?? rounds); round += 1) {
      for (const bench of able) {
        const list = figures.get(bench.peer.name) ?? [];
        figures.set(bench.peer.name, list);
        try {
          const figure = await row.measure(bench, round);
          if (round >= 0) list.push(figure);
        } catch (error) {
          console.error(`${row.id} on ${bench.peer.name}: ${String(error)}`);
        }
      }
    }
    const result: RowResult = { row, figures };
    results.push(result);
    printTable([result]);
  }
  if (values.write)
    await writeReport(
      path.join(import.meta.dirname, 'RESULTS.md'),
      path.join(import.meta.dirname, 'results.svg'),
      results,
      { count, rounds, whole: wanted === null },
    );
} finally {
  for (const stop of stops.reverse()) await stop();
  if (values.keep === '') rmSync(directory, { recursive: true, force: true });
}
process.exit(0);
