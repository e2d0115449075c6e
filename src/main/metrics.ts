/**
 * The metrics of a running server: what only it can tell, and the listener that tells it, when `[metrics] listen` is
 * set. Without it nothing here is loaded and prom-client stays on the disk.
 */
import { statfs } from 'node:fs/promises';
import type { DataLayout } from '../config/data-directory.ts';
import type { Configuration } from '../config/schema.ts';
import type { Directory } from '../directory/api.ts';
import type { Binding, Server } from '../directory/model.ts';
import { binding } from '../directory/settings/value-types.ts';
import { Failure } from '../observe/failure.ts';
import type { Log } from '../observe/log.ts';
import type { HealthFact, MetricSources } from '../observe/metrics/instruments.ts';
import type { Answer } from '../observe/metrics/listener.ts';
import { tally } from '../observe/metrics/tally.ts';
import type { CertificateStore } from '../tls/certificates.ts';
import { locationOf } from './databases.ts';

export interface MetricsParts {
  readonly configuration: Configuration;
  readonly layout: DataLayout;
  readonly directory: Directory;
  readonly server: Server;
  readonly certificates: CertificateStore;
  readonly version: string;
  readonly log: Log;
  /** Protocol of each session. */
  readonly sessions: () => Iterable<{ readonly protocol: string }>;
  readonly mailboxesInUse: () => number;
  readonly databasesOpen: () => number;
  readonly lockedOut: () => number;
  readonly health: () => readonly HealthFact[];
  readonly draining: () => boolean;
  /** Changes announced before the call are in effect when it resolves. */
  readonly settled: () => Promise<void>;
}

export interface OpenMetrics {
  /** Where it really listens. */
  readonly binding: Binding;
  close(): Promise<void>;
}

/** Null: not wanted. @throws Failure CANNOT for a bad setting, INUSE, UNAVAILABLE */
export async function openMetrics(parts: MetricsParts): Promise<OpenMetrics | null> {
  const { configuration, log } = parts;
  const typed = configuration.metrics.listen;
  if (typed === '') return null;
  const wanted = binding.parse(typed);
  if (wanted === undefined) {
    throw new Failure('CANNOT', `penfold.toml: \`metrics.listen\` must be such as "127.0.0.1:9464", not "${typed}"`);
  }
  const { createExposition } = await import('../observe/metrics/exposition.ts');
  const { openMetricsListener } = await import('../observe/metrics/listener.ts');
  const exposition = createExposition(sourcesOf(parts));
  const listener = await openMetricsListener({
    ...wanted,
    log,
    answers: new Map<string, () => Promise<Answer>>([
      ['/metrics', async () => ({ status: 200, contentType: exposition.contentType, body: await exposition.text() })],
      ['/healthz', () => Promise.resolve(healthz(parts.draining(), parts.health()))],
    ]),
  });
  const { address, port } = listener;
  if (!isLoopback(address)) {
    log.warn({ address, port }, 'metrics are served without encryption and logon to whoever reaches this address');
  }
  log.info({ address, port }, 'metrics are served');
  const unwatch = timeChanges(parts);
  return {
    binding: { address, port },
    close: async () => {
      unwatch();
      await listener.close();
    },
  };
}

/** For load balancers: 503 tells them to send nobody here. */
export function healthz(draining: boolean, health: readonly HealthFact[]): Answer {
  const sets: Record<string, HealthFact['state']> = {};
  for (const { healthSet, state } of health) sets[healthSet] = worse(sets[healthSet], state);
  const isHealthy = !draining && !Object.values(sets).includes('Unhealthy');
  const status = draining ? 'draining' : isHealthy ? 'healthy' : 'unhealthy';
  return {
    status: isHealthy ? 200 : 503,
    contentType: 'application/json',
    body: `${JSON.stringify({ status, healthSets: sets })}\n`,
  };
}

const BADNESS: Readonly<Record<HealthFact['state'], number>> = { Disabled: 0, Healthy: 1, Unknown: 2, Unhealthy: 3 };

/** A set is as bad as its worst probe. */
function worse(known: HealthFact['state'] | undefined, state: HealthFact['state']): HealthFact['state'] {
  return known === undefined || BADNESS[state] > BADNESS[known] ? state : known;
}

const isLoopback = (address: string): boolean => address === '::1' || address.startsWith('127.');

function sourcesOf(parts: MetricsParts): MetricSources {
  return {
    version: parts.version,
    server: parts.server.name,
    draining: parts.draining,
    mailboxesInUse: parts.mailboxesInUse,
    databasesOpen: parts.databasesOpen,
    lockedOut: parts.lockedOut,
    health: parts.health,
    sessions: () => {
      const counts = new Map<string, number>([
        ['imap', 0],
        ['pop3', 0],
      ]);
      for (const { protocol } of parts.sessions()) counts.set(protocol, (counts.get(protocol) ?? 0) + 1);
      return counts;
    },
    certificates: () => {
      // Two certificates may have one first name: the one that expires first is the one to worry about.
      const soonest = new Map<string, number>();
      for (const { certificate, names } of parts.certificates.known()) {
        const name = names[0] ?? certificate.subject;
        const left = (Date.parse(certificate.validTo) - Date.now()) / 1000;
        soonest.set(name, Math.min(left, soonest.get(name) ?? Infinity));
      }
      return [...soonest].map(([name, secondsLeft]) => ({ name, secondsLeft }));
    },
    disks: () => disks(parts),
  };
}

/** The data directory and each mailbox database of this server. A place that cannot be asked is left out and logged. */
async function disks({ layout, directory, server, log }: MetricsParts): ReturnType<MetricSources['disks']> {
  const places = new Map([['data', layout.root]]);
  for (const record of await directory.databases())
    if (record.server === server.id) places.set(record.name, locationOf(layout.root, record));
  const found: Array<{ place: string; free: number; size: number }> = [];
  for (const [place, folder] of places) {
    try {
      const { bavail, blocks, bsize } = await statfs(folder);
      found.push({ place, free: bavail * bsize, size: blocks * bsize });
    } catch (error) {
      log.debug({ place, err: error }, 'free disk space could not be read');
    }
  }
  return found;
}

/** Changes that come while one is timed belong to it: a storm of them is measured, not multiplied. */
function timeChanges({ directory, settled, log }: MetricsParts): () => void {
  let timing = false;
  return directory.watch(() => {
    if (timing) return;
    timing = true;
    const began = performance.now();
    // Behind all other watchers, so that they have begun what is waited for.
    queueMicrotask(() => {
      settled()
        .then(() => tally.directoryChanges.observe(performance.now() - began))
        .catch((error: unknown) => log.error({ err: error }, 'a change of the directory could not be followed'))
        .finally(() => {
          timing = false;
        });
    });
  });
}
