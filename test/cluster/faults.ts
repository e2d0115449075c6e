/**
 * What is broken, and how it is made whole again (issue 4, must show 3). A fault is over when its `act` resolves: what
 * was killed listens again, what was cut is joined.
 */
import { open, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { type Cluster, DATABASES, type MailboxDatabaseName, MOVABLE_CLOCK, SMALL_DISK } from './cluster.ts';
import { HEALTHY_LINE } from './namespaces.ts';
import { imapGreeted } from './talk.ts';
import { type DataName, FRONT_ENDS, type ServerName } from './topology.ts';

/** How long something stays broken: long enough for several tries of every client. */
const BROKEN_MS = 4_000;
/** The log of a server that is an hour ahead is at least so far ahead. */
const JUMPED_MS = 50 * 60_000;
/** For a disk that is to be full: what lies on it, and messages that use up what a mailbox has written ahead. */
const BLOCK = Buffer.alloc(256 * 1024, 'no room\r\n');
const SUBJECT = Buffer.from('Subject: too much\r\n\r\n');
const LARGE_BYTES = 64 * 1024;
const SMALL_BYTES = 256;
const TAKEN_AT_MOST = 100;

export interface Fault {
  readonly name: string;
  /** For the table. */
  readonly how: string;
  readonly act: (cluster: Cluster) => Promise<void>;
}

const killed = async (cluster: Cluster, name: ServerName): Promise<void> => {
  await cluster.server(name).end('SIGKILL');
  await pause(BROKEN_MS);
  await cluster.server(name).start();
};

async function terminated(cluster: Cluster, name: DataName): Promise<void> {
  const client = new pg.Client({ connectionString: cluster.postgres(name).url });
  await client.connect();
  try {
    await client.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()');
  } finally {
    await client.end();
  }
}

export const FAULTS: readonly Fault[] = [
  {
    name: 'back end, kill -9',
    how: 'BE-E1, with two mailbox databases, started again after 4 s',
    act: (cluster) => killed(cluster, 'BE-E1'),
  },
  {
    name: 'front end, kill -9',
    how: 'FE-E1, started again after 4 s; clients go to another one',
    act: (cluster) => killed(cluster, 'FE-E1'),
  },
  {
    name: 'all connections to PostgreSQL ended',
    how: 'pg_terminate_backend for every session, of the directory and both mail servers',
    act: async (cluster) => {
      for (const name of ['DIRECTORY', 'MAIL-E', 'MAIL-W'] as const) await terminated(cluster, name);
    },
  },
  {
    name: 'PostgreSQL of a mailbox database, kill -9',
    how: 'every process of it, started again after 4 s and its own recovery',
    act: (cluster) => crashed(cluster, 'MAIL-W'),
  },
  {
    name: 'PostgreSQL of the directory, kill -9',
    how: 'the same; logons go on with what servers remember',
    act: (cluster) => crashed(cluster, 'DIRECTORY'),
  },
  {
    name: 'line between the sites cut',
    how: 'nothing passes for 8 s',
    act: async ({ network }) => {
      await network.line({ cut: true });
      await pause(BROKEN_MS * 2);
      await network.line(HEALTHY_LINE);
    },
  },
  {
    name: '30 % packet loss',
    how: 'between the sites, both ways, for 8 s',
    act: async ({ network }) => {
      await network.line({ loss: 0.3 });
      await pause(BROKEN_MS * 2);
      await network.line(HEALTHY_LINE);
    },
  },
  {
    name: 'slow line',
    how: '300 ms and 64 KB/s one way between the sites for 8 s',
    act: async ({ network }) => {
      await network.line({ delay: 0.3, rate: 64 * 1024 });
      await pause(BROKEN_MS * 2);
      await network.line(HEALTHY_LINE);
    },
  },
  {
    name: 'slow back end',
    how: 'BE-E2 stands still for 4 s (SIGSTOP, SIGCONT)',
    act: async (cluster) => {
      cluster.server('BE-E2').hold(true);
      await pause(BROKEN_MS);
      cluster.server('BE-E2').hold(false);
    },
  },
  {
    name: 'clock jump',
    how: 'the wall clock of BE-W2 one hour ahead for 4 s, then back (libfaketime)',
    act: async (cluster) => {
      const server = cluster.server(MOVABLE_CLOCK);
      await server.setClock('+1h');
      await pause(BROKEN_MS);
      const [, time] = /"time":"([^"]+)"[^\n]*\n$/.exec(await server.logTail()) ?? [];
      const ahead = Date.parse(time ?? '') - Date.now();
      if (!(ahead > JUMPED_MS)) throw new Error(`the clock of ${server.name} has not jumped: ${time}`);
      await server.setClock('+0');
    },
  },
  {
    name: 'full disk',
    how: 'the disk of BE-E2 has no byte left until mail is refused, and 4 s more',
    act: async (cluster) => {
      const file = path.join(cluster.server(SMALL_DISK).data, 'filler');
      await untilRefused(cluster, () => fill(file));
      await pause(BROKEN_MS);
      await rm(file);
    },
  },
  {
    name: 'none: mailboxes move',
    how: 'between engines, servers and sites, and back, while their owners work (New-MoveRequest)',
    act: moved,
  },
];

/** From SQLite to PostgreSQL, to another site, from PostgreSQL to SQLite on another server; and all of it back. */
const MOVES: ReadonlyArray<readonly [from: MailboxDatabaseName, to: MailboxDatabaseName]> = [
  ['East 1', 'East PG'],
  ['East 2', 'West 1'],
  ['West PG', 'West 2'],
];

async function moved(cluster: Cluster): Promise<void> {
  const there = MOVES.flatMap(([from, to]) => cluster.peopleOf(from).map(({ address }) => ({ address, from, to })));
  for (const isWayBack of [false, true])
    for (const { address, from, to } of there) {
      const server = cluster.server(DATABASES[isWayBack ? to : from].server);
      const said = await server.cmdlets(
        `New-MoveRequest ${address} -TargetDatabase "${isWayBack ? from : to}" -Wait | Format-List`,
        `Remove-MoveRequest ${address} -Confirm:$false`,
      );
      if (!/^Status *: Completed/m.test(said)) throw new Error(`${address} to ${isWayBack ? from : to}: ${said}`);
    }
}

async function crashed(cluster: Cluster, name: DataName): Promise<void> {
  await cluster.postgres(name).end('SIGKILL');
  await pause(BROKEN_MS);
  await cluster.postgres(name).start();
}

/** A mailbox has some space in advance, and gives some back: afterwards there is none, for a small message either. */
async function untilRefused(cluster: Cluster, fillDisk: () => Promise<void>): Promise<void> {
  const [person] = cluster.peopleOf('East 2');
  const [frontEnd] = FRONT_ENDS;
  if (person === undefined || frontEnd === undefined) throw new Error('nobody has a mailbox there');
  const imap = await imapGreeted(frontEnd, await readFile(cluster.trusted, 'utf8'));
  const isTaken = async (size: number): Promise<boolean> => {
    await fillDisk();
    const { status } = await imap.command('APPEND INBOX', Buffer.concat([SUBJECT, BLOCK.subarray(0, size)]));
    if (!/^OK|^NO \[UNAVAILABLE\]/.test(status)) throw new Error(`a full disk is told as: ${status}`);
    return status.startsWith('OK');
  };
  try {
    await imap.command(`LOGIN ${person.address} "${person.password}"`);
    for (const size of [LARGE_BYTES, SMALL_BYTES]) {
      let taken = 0;
      while (await isTaken(size)) {
        taken += 1;
        if (taken > TAKEN_AT_MOST) throw new Error('the disk is full, and mail is taken all the same');
      }
    }
  } finally {
    imap.hangUp();
  }
}

/** Block by block to the last byte, and again for what was freed meanwhile. */
async function fill(name: string): Promise<void> {
  const file = await open(name, 'a');
  try {
    for (let size = BLOCK.length; size >= 1; ) {
      try {
        const { bytesWritten } = await file.write(BLOCK, 0, size, null);
        if (bytesWritten < size) size = Math.floor(size / 2);
      } catch (error) {
        if (!(error instanceof Error && Reflect.get(error, 'code') === 'ENOSPC')) throw error;
        size = Math.floor(size / 2);
      }
    }
  } finally {
    await file.close();
  }
}
