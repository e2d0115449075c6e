/**
 * What is broken, and how it is made whole again (issue 4, must show 3). A fault is over when its `act` resolves: what
 * was killed listens again, what was cut is joined.
 */
import { createHash } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { type Cluster, MOVABLE_CLOCK, SMALL_DISK } from './cluster.ts';
import { HEALTHY_LINE } from './namespaces.ts';
import type { DataName, ServerName } from './topology.ts';

/** How long something stays broken: long enough for several tries of every client. */
const BROKEN_MS = 4_000;
const BLOCK = Buffer.alloc(256 * 1024, createHash('sha256').update('filler').digest());

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
      await server.setClock('+0');
    },
  },
  {
    name: 'full disk',
    how: 'the disk of BE-E2 has no byte left for 4 s',
    act: async (cluster) => {
      const file = path.join(cluster.server(SMALL_DISK).data, 'filler');
      await fill(file);
      await pause(BROKEN_MS);
      await rm(file);
    },
  },
];

async function crashed(cluster: Cluster, name: DataName): Promise<void> {
  await cluster.postgres(name).end('SIGKILL');
  await pause(BROKEN_MS);
  await cluster.postgres(name).start();
}

/** Block by block to the last byte, and again for what was freed meanwhile. */
async function fill(name: string): Promise<void> {
  const file = await open(name, 'w');
  try {
    for (let size = BLOCK.length; size >= 1; ) {
      try {
        const { bytesWritten } = await file.write(BLOCK, 0, size);
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
