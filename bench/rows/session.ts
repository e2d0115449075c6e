/** Rows of sessions: SELECT, STATUS, LIST-STATUS, logon, idle memory, wake-up of IDLE. */
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { RawImap } from '../client/imap.ts';
import { inBox, logOn, type Bench, type Row } from '../row.ts';

const FOLDERS = 1_000;
const IDLE_SESSIONS = 1_000;
const SESSIONS_PER_USER = 10;
/** Further thousands of idle sessions whose memory is measured. */
const IDLE_STEPS = 2;
/** After so long what a burst of logons started has ended: collectors of garbage, workers, hand-overs to imap-hibernate. */
const REST_MS = 40_000;
/** Then the lowest look of most of a minute counts: work that comes every minute, such as health probes, is no session. */
const REST_LOOKS = 80;
const REST_LOOK_MS = 500;
const WAKE_UPS = 300;
const WAKE_UP_MS = 15_000;

function repeated(id: string, title: string, budget: number, times: number, command: (i: number) => string): Row {
  return {
    id,
    title,
    unit: 'cmd/s',
    budget,
    measure: (bench) =>
      inBox(bench, async (client) => {
        const started = performance.now();
        for (let i = 0; i < times; i += 1) await client.ok(command(i));
        return times / ((performance.now() - started) / 1000);
      }),
  };
}

function logon(parallel: number): Row {
  return {
    id: `logon-${parallel}`,
    title: parallel === 1 ? 'logon TLS, serial' : `logon TLS, ${parallel} parallel`,
    unit: 'logon/s',
    budget: 1,
    measure: async (bench) => {
      const times = parallel === 1 ? 100 : 320;
      let left = times;
      const started = performance.now();
      await Promise.all(
        Array.from({ length: parallel }, async (_, worker) => {
          while (left-- > 0) (await logOn(bench, 2 + worker, true)).close();
        }),
      );
      return times / ((performance.now() - started) / 1000);
    },
  };
}

/**
 * Memory of a process and all it started, in bytes: the proportional set size of what is not a file, so that shared
 * pages count once. Pages of files are left out: those of `node` are shared with this client and whatever else runs on
 * the machine, and a process that comes or goes there moves the share of the one that is measured by megabytes.
 */
function memoryOf(root: number): number {
  const parents = new Map<number, number>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'latin1');
      parents.set(Number(entry), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
    } catch {
      // The process ended between the two calls.
    }
  }
  const inTree = (pid: number): boolean =>
    pid === root || (parents.has(pid) && (parents.get(pid) ?? 0) > 1 && inTree(parents.get(pid) ?? 0));
  let bytes = 0;
  for (const pid of parents.keys()) {
    if (!inTree(pid)) continue;
    try {
      const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
      for (const [, kibibytes] of rollup.matchAll(/^Pss_(?:Anon|Shmem):\s+(\d+)/gm)) bytes += 1024 * Number(kibibytes);
    } catch {
      // As above.
    }
  }
  return bytes;
}

/** Memory of the peer when it has come to rest; what a burst leaves behind for some seconds is not what is asked. */
export async function restingMemory(root: number): Promise<number> {
  await delay(REST_MS);
  let lowest = Number.POSITIVE_INFINITY;
  for (let look = 0; look < REST_LOOKS; look += 1) {
    lowest = Math.min(lowest, memoryOf(root));
    await delay(REST_LOOK_MS);
  }
  return lowest;
}

/**
 * What one more idle session costs: a first thousand pays for code, heap and pools; then the memory of IDLE_STEPS
 * further thousands, read at rest before and after, divided by their number. One thousand alone would measure the
 * steps in which heaps grow and are collected (−10 to 70 KiB a session were seen with one and the same code).
 */
function idleMemory(secure: boolean): Row {
  return {
    id: secure ? 'idle-memory-tls' : 'idle-memory',
    title: `memory per idle session, ${secure ? 'TLS' : 'plain'}`,
    unit: 'KiB',
    budget: null,
    bound: secure ? 70 : 20,
    smallerIsBetter: true,
    rounds: 1,
    measure: async (bench) => {
      const users = IDLE_SESSIONS / SESSIONS_PER_USER;
      // A process that has just moved gigabytes gives and takes memory for reasons of its own.
      await bench.peer.forget();
      const sessions = await openIdle(bench, IDLE_SESSIONS, users, secure);
      const before = await restingMemory(bench.peer.rootPid());
      for (let i = 0; i < IDLE_STEPS; i += 1) sessions.push(...(await openIdle(bench, IDLE_SESSIONS, users, secure)));
      const after = await restingMemory(bench.peer.rootPid());
      for (const session of sessions) session.close();
      return (after - before) / 1024 / (IDLE_STEPS * IDLE_SESSIONS);
    },
  };
}

async function openIdle(bench: Bench, count: number, users: number, secure: boolean): Promise<RawImap[]> {
  const sessions: RawImap[] = [];
  for (let i = 0; i < count; i += 10) {
    const batch = await Promise.all(Array.from({ length: 10 }, (_, j) => logOn(bench, 20 + ((i + j) % users), secure)));
    for (const session of batch) {
      await session.ok('SELECT INBOX');
      await session.idle();
    }
    sessions.push(...batch);
  }
  return sessions;
}

export const sessionRows: readonly Row[] = [
  repeated('select', 'SELECT of 50,000', 1, 3_000, () => 'SELECT INBOX'),
  repeated('status', 'STATUS of 50,000', 1, 3_000, () => 'STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)'),
  {
    id: 'list-status',
    title: `LIST-STATUS of ${FOLDERS} folders`,
    unit: 'cmd/s',
    budget: 1,
    rounds: 5,
    prepare: async (bench) => {
      const client = await logOn(bench, 19);
      for (let i = 0; i < FOLDERS; i += 1) await client.ok(`CREATE "folder ${i}"`);
      client.close();
    },
    measure: async (bench) => {
      const client = await logOn(bench, 19);
      const started = performance.now();
      for (let i = 0; i < 5; i += 1)
        await client.ok('LIST "" "*" RETURN (STATUS (MESSAGES UNSEEN UIDNEXT UIDVALIDITY))');
      client.close();
      return 5 / ((performance.now() - started) / 1000);
    },
  },
  logon(1),
  logon(16),
  idleMemory(false),
  idleMemory(true),
  {
    id: 'wake-up',
    title: 'APPEND in one session → EXISTS in an idling one, p99',
    unit: 'ms',
    budget: null,
    bound: 5,
    smallerIsBetter: true,
    rounds: 1,
    measure: async (bench) => {
      const idler = await logOn(bench, 18);
      const sender = await logOn(bench, 18);
      await idler.ok('SELECT INBOX');
      const times: number[] = [];
      const message = bench.corpus.message(3);
      // A peer that takes half a second each time is known well enough after fifteen.
      const until = performance.now() + WAKE_UP_MS;
      for (let i = 0; i < WAKE_UPS && performance.now() < until; i += 1) {
        const idling = await idler.idle();
        await delay(20);
        const started = performance.now();
        const [seen] = await Promise.all([idling.exists(), sender.append('INBOX', message)]);
        times.push(seen - started);
        await idling.done();
      }
      idler.close();
      sender.close();
      times.sort((a, b) => a - b);
      return times[Math.floor(times.length * 0.99) - 1] ?? 0;
    },
  },
];
