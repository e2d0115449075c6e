/** Metrics of a running server as Prometheus reads them: every documented one is there, and moves when it should. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { connect as tls } from 'node:tls';
import { promisify } from 'node:util';
import { ImapFlow } from 'imapflow';
import Pop3Command from 'node-pop3';
import { createTransport } from 'nodemailer';
import { healthz } from '../../src/main/metrics.ts';
import { Failure } from '../../src/observe/failure.ts';
import { INSTRUMENTS, instrumentTable } from '../../src/observe/metrics/instruments.ts';
import { startOrganization, type TestOrganization } from '../support/organization.ts';
import { RawImap } from '../support/raw-imap.ts';
import { type Family, parseMetrics, valueOf } from '../support/prometheus-text.ts';

let organization: TestOrganization;
let url: string;
before(async () => {
  organization = await startOrganization({
    engine: 'sqlite',
    lockAfter: 2,
    configuration: { metrics: { listen: '127.0.0.1:0' } },
  });
  url = `http://127.0.0.1:${organization.running.metrics?.port}`;
});
after(() => organization.stop());

async function scrape(): Promise<ReadonlyMap<string, Family>> {
  const response = await fetch(`${url}/metrics`);
  assert.equal(response.status, 200);
  assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  return parseMetrics(await response.text());
}

function imap(password: string): ImapFlow {
  const { address } = organization.user(0);
  return new ImapFlow({
    host: 'localhost',
    port: organization.imap.tls,
    secure: true,
    auth: { user: address, pass: password },
    tls: { ca: organization.ca },
    logger: false,
  });
}

async function mail(to: string): Promise<void> {
  const { address, password } = organization.user(0);
  const transport = createTransport({
    host: 'localhost',
    port: organization.smtp.submission,
    requireTLS: true,
    auth: { user: address, pass: password },
    tls: { ca: organization.ca },
  });
  try {
    await transport.sendMail({ from: address, to, subject: 'counted', text: 'once\n' });
  } finally {
    transport.close();
  }
}

test('every instrument is told, with its type, its help and no label but its own', async () => {
  const families = await scrape();
  for (const { name, type, help, labels } of INSTRUMENTS) {
    const family = families.get(name);
    assert.ok(family !== undefined, name);
    assert.equal(family.type, type, name);
    assert.equal(family.help, help, name);
    for (const sample of family.samples) {
      const own = [...sample.labels.keys()].filter((label) => label !== 'le');
      assert.deepEqual(own, [...labels], name);
    }
  }
  assert.ok(families.has('process_cpu_seconds_total'));
  assert.ok(families.has('nodejs_eventloop_lag_p99_seconds'));
});

test('the table of the documentation is made from the instruments', async () => {
  const file = path.join(import.meta.dirname, '..', '..', 'docs', 'admin', 'monitoring.md');
  const text = await readFile(file, 'utf8');
  const begin = text.indexOf('| metric | type |');
  assert.equal(text.slice(begin, text.indexOf('\n\n', begin) + 1), instrumentTable());
});

test('values move when something happens, and by as much', async () => {
  const start = await scrape();
  const [alice, bob] = [organization.user(0), organization.user(1)];
  const client = imap(alice.password);
  await client.connect();
  await client.mailboxOpen('INBOX');
  const during = await scrape();
  await client.logout();
  await mail(bob.address);
  const pop3 = new Pop3Command({
    host: 'localhost',
    port: organization.pop3.tls,
    tls: true,
    tlsOptions: { ca: organization.ca },
    user: bob.address,
    password: bob.password,
  });
  await pop3.RETR(1);
  await pop3.QUIT();
  const end = await scrape();
  const moved = (name: string, labels: Record<string, string> = {}): number =>
    valueOf(end, name, labels) - valueOf(start, name, labels);

  assert.equal(valueOf(during, 'penfold_connections_open', { protocol: 'imap' }), 1);
  assert.equal(valueOf(during, 'penfold_sessions', { protocol: 'imap' }), 1);
  assert.equal(valueOf(during, 'penfold_mailboxes_in_use'), 1);
  for (const protocol of ['imap', 'pop3', 'smtp']) {
    assert.equal(moved('penfold_connections_accepted_total', { protocol }), 1, protocol);
    assert.equal(moved('penfold_logons_total', { protocol, result: 'OK' }), 1, protocol);
  }
  const commands = 'penfold_command_duration_seconds_count';
  assert.equal(moved(commands, { protocol: 'imap', command: 'select' }), 1);
  assert.equal(moved(commands, { protocol: 'pop3', command: 'retr' }), 1);
  for (const command of ['MAIL', 'RCPT', 'DATA']) assert.equal(moved(commands, { protocol: 'smtp', command }), 1);
  assert.ok(moved('penfold_command_duration_seconds_sum', { protocol: 'imap' }) > 0);
  assert.equal(moved('penfold_messages_received_total', { origin: 'smtp' }), 1);
  assert.ok(moved('penfold_message_received_bytes_total', { origin: 'smtp' }) > 100);
  assert.equal(moved('penfold_copies_delivered_total'), 1);
  assert.equal(moved('penfold_copies_failed_total'), 0);
  assert.equal(valueOf(end, 'penfold_databases_open'), 1);
  assert.ok(valueOf(end, 'penfold_certificate_expiry_seconds') > 86_400);
  assert.ok(valueOf(end, 'penfold_disk_free_bytes', { place: 'data' }) > 0);
  assert.equal(valueOf(end, 'penfold_info', { version: 'test', server: 'TEST' }), 1);
});

test('failed logons, lock-outs and refused connections are counted by their reason', async () => {
  const start = await scrape();
  const guesser = await RawImap.greeted(tls({ host: '127.0.0.1', port: organization.imap.tls, ca: organization.ca }));
  for (let i = 0; i < 3; i += 1) {
    const { status } = await guesser.command(`LOGIN ${organization.user(0).address} wrong`);
    assert.match(status, /^NO /);
  }
  guesser.socket.destroy();
  await organization.directory.setImapSettings(organization.server.id, { maxConnections: 1 });
  await organization.running.settled();
  const first = connect(organization.imap.plain, '127.0.0.1');
  await new Promise((resolve) => first.once('data', resolve));
  const second = connect(organization.imap.plain, '127.0.0.1');
  await new Promise((resolve) => second.once('close', resolve).resume());
  first.destroy();
  await organization.directory.setImapSettings(organization.server.id, { maxConnections: 2000 });
  await organization.running.settled();
  const end = await scrape();
  const moved = (name: string, labels: Record<string, string> = {}): number =>
    valueOf(end, name, labels) - valueOf(start, name, labels);
  assert.equal(moved('penfold_logons_total', { protocol: 'imap', result: 'AUTHENTICATIONFAILED' }), 2);
  assert.equal(moved('penfold_logons_total', { protocol: 'imap', result: 'LIMIT' }), 1);
  assert.equal(moved('penfold_lock_outs_total'), 1);
  assert.equal(valueOf(end, 'penfold_locked_out'), 1);
  assert.equal(moved('penfold_connections_refused_total', { protocol: 'imap', reason: 'LIMIT' }), 1);
  assert.ok(moved('penfold_directory_change_duration_seconds_count') >= 1);
});

test('no user and no address stands in the metrics', async () => {
  const text = await (await fetch(`${url}/metrics`)).text();
  assert.doesNotMatch(text, /alice|bob|@|127\.0\.0\.1/);
});

test('probes are told with their state', async () => {
  const [entry] = organization.running.health();
  assert.ok(entry !== undefined);
  const families = await scrape();
  assert.equal(valueOf(families, 'penfold_health_state', { probe: entry.probe, state: entry.state }), 1);
  assert.equal(valueOf(families, 'penfold_health_state', { probe: entry.probe }), 1);
});

test('healthz: 200 with the health sets; what is not there is 404; nothing is changed by it', async () => {
  const health = await fetch(`${url}/healthz`);
  assert.equal(health.status, 200);
  assert.match(await health.text(), /"status":"healthy".*"IMAP"/);
  assert.equal((await fetch(`${url}/`)).status, 404);
  assert.equal((await fetch(`${url}/metrics`, { method: 'POST' })).status, 405);
});

const fact = (healthSet: string, state: 'Healthy' | 'Unhealthy' | 'Disabled' | 'Unknown') => ({
  probe: `${healthSet} ${state}`,
  healthSet,
  state,
  latencyMs: null,
});
const answers: ReadonlyArray<[string, boolean, ReadonlyArray<ReturnType<typeof fact>>, number]> = [
  ['nothing probed yet', false, [fact('IMAP', 'Unknown')], 200],
  ['all well', false, [fact('IMAP', 'Healthy'), fact('POP', 'Disabled')], 200],
  ['one probe of a set is sick', false, [fact('IMAP', 'Unhealthy'), fact('IMAP', 'Healthy')], 503],
  ['draining', true, [fact('IMAP', 'Healthy')], 503],
];
for (const [name, draining, facts, status] of answers) {
  test(`healthz: ${name} is ${status}`, () => assert.equal(healthz(draining, facts).status, status));
}

test('a port that is taken and an address that is none are start errors that name the key', async () => {
  const taken = organization.running.metrics?.port;
  for (const [listen, message] of [
    [`127.0.0.1:${taken}`, /`metrics\.listen`: port \d+ on 127\.0\.0\.1 is taken/],
    ['localhost', /`metrics\.listen` must be such as/],
  ] as const) {
    await assert.rejects(
      startOrganization({ engine: 'memory', users: [], configuration: { metrics: { listen } } }),
      (error) => error instanceof Failure && message.test(error.message),
    );
  }
});

test('without the settings neither prom-client nor OpenTelemetry is loaded', async () => {
  const main = path.join(import.meta.dirname, '..', '..', 'src', 'main', 'run.ts');
  const script = `
    const { registerHooks } = await import('node:module');
    const urls = [];
    registerHooks({ load: (url, context, next) => { urls.push(url); return next(url, context); } });
    await import(${JSON.stringify(main)});
    console.log(JSON.stringify(urls.filter((url) => /node_modules/.test(url))));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
  assert.match(stdout, /node_modules\/pino\//, 'what is loaded is seen');
  assert.doesNotMatch(stdout, /prom-client|opentelemetry/);
});
