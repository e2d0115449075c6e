/**
 * `node bench/hop.ts [--count 10000] [--rounds 7] [--logons 200] [--sessions 1000] [--line ADDRESS --servers NAMESPACE] [--write]`
 *
 * What the hop from a front end to the back end of another server costs (design.md §9: below 2 ms at logon, at least
 * 90 % of the throughput): one server with the mailboxes, asked directly and through the front end of a second server,
 * alternating within each round, three processes with the client. `--write` puts the table into bench/RESULTS.md.
 *
 * On loopback all three share two cores and no line is as quick. `--line ADDRESS --servers NAMESPACE` puts one between
 * client and servers: they run in that network namespace and have that address. bench/hop-line.sh makes both.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { makeCredentials } from '../src/auth/verifiers.ts';
import { defaultConnectors } from '../src/directory/connectors.ts';
import { openSqliteDirectory } from '../src/directory/engine/sqlite/directory.ts';
import { freePorts } from '../src/main/free-ports.ts';
import { applyPorts, createOrganization, type PortPlan } from '../src/main/organization.ts';
import { createMailboxes } from '../src/management/mailboxes.ts';
import { actOnServices, servicesNamed } from '../src/management/services.ts';
import { makeServerAuthority } from '../src/tls/server-authority.ts';
import { RawImap } from './client/imap.ts';
import type { Target } from './client/socket.ts';
import { BenchCorpus } from './corpus.ts';
import { restingMemory } from './rows/session.ts';

const PASSWORD = 'correct horse battery';
const USERS = 60;
const IN_FLIGHT = 64;
const PAUSE_MS = 20;
const BUDGET_LOGON_MS = 2;
const BUDGET_THROUGHPUT = 0.9;
const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '7' },
    logons: { type: 'string', default: '200' },
    sessions: { type: 'string', default: '1000' },
    line: { type: 'string', default: '' },
    servers: { type: 'string', default: '' },
    write: { type: 'boolean', default: false },
  },
});
const count = Number(values.count);
const rounds = Number(values.rounds);
const logons = Number(values.logons);
const sessions = Number(values.sessions);

const host = values.line === '' ? '127.0.0.1' : values.line;
/** Words in front of a server's command. */
const outside = values.servers === '' ? [] : ['ip', 'netns', 'exec', values.servers];

const folder = mkdtempSync(path.join(os.tmpdir(), 'penfold-hop-'));
const children: ChildProcess[] = [];

async function organization(): Promise<{ readonly back: PortPlan; readonly front: PortPlan }> {
  const directory = await openSqliteDirectory({ file: path.join(folder, 'directory.db') });
  const credentials = await makeCredentials(PASSWORD);
  const { server } = await createOrganization(directory, {
    organization: 'Bench',
    site: 'Site',
    server: 'BACK',
    fqdn: values.line === '' ? 'localhost' : host,
    domain: 'example.test',
    database: 'Database',
    administrator: credentials,
  });
  const front = await directory.addServer({
    name: 'FRONT',
    fqdn: 'front.example.test',
    site: server.site,
    frontEnd: true,
    backEnd: false,
  });
  for (const connector of defaultConnectors(front)) await directory.addConnector(connector);
  const ports: PortPlan[] = [];
  for (const one of [server, front]) {
    const plan = await freePorts(host);
    ports.push(plan);
    await applyPorts(directory, one, plan);
    for (const connector of await directory.connectors(one.id))
      await directory.changeConnector(connector.id, { enabled: false });
    await directory.setImapSettings(one.id, { loginType: 'PlainTextLogin', maxConnectionsPerUser: 1000 });
    await actOnServices(directory, one, servicesNamed(one, 'imap4'), 'enable');
  }
  for (const database of await directory.databases()) {
    await directory.setDatabaseSettings(database.id, {
      issueWarningQuota: Infinity,
      prohibitSendQuota: Infinity,
      prohibitSendReceiveQuota: Infinity,
      recoverableItemsQuota: Infinity,
      recoverableItemsWarningQuota: Infinity,
    });
  }
  await createMailboxes(directory, {
    address: 'bench%d@example.test',
    count: USERS,
    displayName: null,
    database: null,
    credentials,
  });
  await directory.close();
  writeFileSync(path.join(folder, 'authority.json'), JSON.stringify(await makeServerAuthority('Bench')), {
    mode: 0o600,
  });
  const [back, frontPorts] = ports;
  if (back === undefined || frontPorts === undefined) throw new Error('no ports');
  return { back, front: frontPorts };
}

async function startServer(name: string): Promise<ChildProcess> {
  const server = [process.execPath, path.join(import.meta.dirname, 'hop-server.ts'), folder, name];
  const [command = '', ...words] = [...outside, ...server];
  const child = spawn(command, words, {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  await Promise.race([
    once(child.stdout, 'data'),
    once(child, 'exit').then(() => Promise.reject(new Error(`${name} did not start`))),
  ]);
  return child;
}

const user = (index: number): string => `bench${(index % USERS) + 1}@example.test`;
const percentile = (list: readonly number[], share: number): number =>
  [...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * share))] ?? 0;
const median = (list: readonly number[]): number => percentile(list, 0.5);

/**
 * Milliseconds from LOGIN to its OK on a connection that has been greeted, one every PAUSE_MS: what a user waits for.
 * Without pauses the handshakes behind the logon before would be measured with it.
 */
async function logonTimes(target: Target): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < logons; i += 1) {
    const client = await RawImap.connect(target);
    times.push((await client.ok(`LOGIN "${user(1 + (i % 10))}" "${PASSWORD}"`)).ms);
    await client.ok('LOGOUT');
    client.close();
    await delay(PAUSE_MS);
  }
  return times;
}

/** Seconds of processor time that a process has used. */
function processorTime(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // utime and stime in ticks of 10 ms (proc(5)).
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** MB/s of all bodies. */
async function download(target: Target, counted: { bytes: number }): Promise<number> {
  const client = await RawImap.logOn(target, user(0), PASSWORD);
  await client.ok('SELECT INBOX');
  const { bytes, ms } = await client.ok('FETCH 1:* (BODY.PEEK[])');
  client.close();
  counted.bytes += bytes;
  return bytes / 1e6 / (ms / 1000);
}

/** Microseconds of a command that does nothing. */
async function roundTrips(target: Target): Promise<number> {
  const client = await RawImap.logOn(target, user(0), PASSWORD);
  await client.ok('SELECT INBOX');
  const times: number[] = [];
  for (let i = 0; i < 500; i += 1) times.push((await client.ok('NOOP')).ms);
  client.close();
  return median(times) * 1000;
}

async function idle(target: Target, much: number): Promise<RawImap[]> {
  const open: RawImap[] = [];
  for (let i = 0; i < much; i += 10)
    open.push(
      ...(await Promise.all(
        Array.from({ length: 10 }, async (_, j) => {
          const client = await RawImap.logOn(target, user(11 + ((i + j) % (USERS - 11))), PASSWORD);
          await client.ok('SELECT INBOX');
          await client.idle();
          return client;
        }),
      )),
    );
  return open;
}

const lines: string[] = [];
const tell = (what: string, direct: string, hop: string, difference: string, budget: string): void => {
  lines.push(`| ${what} | ${direct} | ${hop} | ${difference} | ${budget} |`);
  console.log(`${what}: direct ${direct}, hop ${hop}: ${difference} (${budget})`);
};

try {
  const { back, front } = await organization();
  const backEnd = await startServer('BACK');
  const frontEnd = await startServer('FRONT');
  const target = (plan: PortPlan, secure: boolean): Target => ({
    host,
    port: secure ? plan.imap.tls : plan.imap.plain,
    secure,
  });
  const corpus = new BenchCorpus(count);
  const loader = await RawImap.logOn(target(back, false), user(0), PASSWORD);
  for (let at = 0; at < count; at += IN_FLIGHT)
    await loader.pipelinedAppend(
      'INBOX',
      Array.from({ length: Math.min(IN_FLIGHT, count - at) }, (_, i) => corpus.message(at + i)),
    );
  loader.close();

  const times = { direct: new Array<number>(), hop: new Array<number>() };
  for (let round = -1; round < rounds; round += 1)
    for (const way of round % 2 === 0 ? (['direct', 'hop'] as const) : (['hop', 'direct'] as const)) {
      const measured = await logonTimes(target(way === 'direct' ? back : front, false));
      if (round >= 0) times[way].push(...measured);
    }
  const ms = (value: number): string => `${value.toFixed(2)} ms`;
  const added = median(times.hop) - median(times.direct);
  tell(
    'logon, median',
    ms(median(times.direct)),
    ms(median(times.hop)),
    `+${ms(added)}`,
    `< ${BUDGET_LOGON_MS} ms: ${added < BUDGET_LOGON_MS ? 'yes' : 'no'}`,
  );
  const [p99Direct, p99Hop] = [percentile(times.direct, 0.99), percentile(times.hop, 0.99)];
  tell(
    'logon, p99',
    ms(p99Direct),
    ms(p99Hop),
    `${p99Hop < p99Direct ? '−' : '+'}${ms(Math.abs(p99Hop - p99Direct))}`,
    '–',
  );

  for (const secure of [false, true]) {
    const rates = { direct: new Array<number>(), hop: new Array<number>() };
    const used = { direct: 0, hopBack: 0, hopFront: 0 };
    const counted = { direct: { bytes: 0 }, hop: { bytes: 0 } };
    for (let round = -1; round < rounds; round += 1)
      for (const way of round % 2 === 0 ? (['direct', 'hop'] as const) : (['hop', 'direct'] as const)) {
        const [b, f] = [processorTime(backEnd.pid ?? 0), processorTime(frontEnd.pid ?? 0)];
        const rate = await download(target(way === 'direct' ? back : front, secure), counted[way]);
        const ofBack = processorTime(backEnd.pid ?? 0) - b;
        if (way === 'direct') used.direct += ofBack;
        else {
          used.hopBack += ofBack;
          used.hopFront += processorTime(frontEnd.pid ?? 0) - f;
        }
        if (round >= 0) rates[way].push(rate);
      }
    const ratios = rates.hop.map((rate, i) => rate / (rates.direct[i] ?? rate));
    const ratio = median(ratios);
    tell(
      `BODY[] of all, client ${secure ? 'TLS' : 'plain'}`,
      `${Math.round(median(rates.direct))} MB/s`,
      `${Math.round(median(rates.hop))} MB/s`,
      `${Math.round(percentile(ratios, 0) * 100)} / **${Math.round(ratio * 100)}** / ${Math.round(percentile(ratios, 1) * 100)} %`,
      `≥ ${BUDGET_THROUGHPUT * 100} %: ${ratio >= BUDGET_THROUGHPUT ? 'yes' : 'no'}`,
    );
    const perGb = (seconds: number, { bytes }: { bytes: number }): string => (seconds / (bytes / 1e9)).toFixed(2);
    tell(
      `processor time of the servers, seconds a GB, client ${secure ? 'TLS' : 'plain'}`,
      perGb(used.direct, counted.direct),
      `back end ${perGb(used.hopBack, counted.hop)}, front end ${perGb(used.hopFront, counted.hop)}`,
      '–',
      '–',
    );
  }

  const trips = { direct: await roundTrips(target(back, false)), hop: await roundTrips(target(front, false)) };
  tell(
    'NOOP, round trip, median',
    `${Math.round(trips.direct)} µs`,
    `${Math.round(trips.hop)} µs`,
    `+${Math.round(trips.hop - trips.direct)} µs`,
    '–',
  );

  if (sessions > 0)
    for (const secure of [false, true]) {
      const open = await idle(target(front, secure), sessions);
      const pid = frontEnd.pid ?? 0;
      const before = await restingMemory(pid);
      open.push(...(await idle(target(front, secure), sessions)));
      const after = await restingMemory(pid);
      for (const client of open) client.close();
      const kib = (after - before) / 1024 / sessions;
      tell(
        `memory per proxied idle session on the front end, client ${secure ? 'TLS' : 'plain'}`,
        '–',
        `${kib.toFixed(1)} KiB`,
        '–',
        '–',
      );
    }

  if (values.write) {
    const file = path.join(import.meta.dirname, 'RESULTS.md');
    const before = readFileSync(file, 'utf8');
    const table = `<!-- hop: written by \`node bench/hop.ts --write\` -->
Run of ${new Date().toISOString().slice(0, 10)} on ${os.cpus().length} × ${os.cpus()[0]?.model ?? 'unknown CPU'}, Node ${process.version}: ${count} messages, ${rounds} rounds, ${logons} logons a round each way, alternating. Ratios are hop ÷ direct: min / **median** / max.

| what | direct | through another front end | difference | budget |
|---|---:|---:|---:|---|
${lines.join('\n')}
<!-- end of hop -->`;
    const pattern = /<!-- hop:.*<!-- end of hop -->/s;
    writeFileSync(
      file,
      pattern.test(before)
        ? before.replace(pattern, () => table)
        : `${before.trimEnd()}\n\n## The hop from a front end to another server's back end\n\n${table}\n`,
    );
  }
} finally {
  for (const child of children) {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
  }
  rmSync(folder, { recursive: true, force: true });
}
