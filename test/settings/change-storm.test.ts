/**
 * Must show 5 of the milestone: settings change a thousand times while two hundred clients work. No session is lost,
 * nothing is left behind (listeners, sockets, sessions, memory), and a second after the last change every setting that
 * a client can see is the last one. PENFOLD_STORM_CHANGES, PENFOLD_STORM_CLIENTS and PENFOLD_STORM_SEED change it.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { IMAP, POP } from './mail-protocol-effects.ts';
import { freePort, IMAP_ANSWER, LINE, POP_LIST, say, SettingsStage } from './stage.ts';
import { BEYOND_SMALL_QUOTA, INBOUND, POLICY, Storm } from './storm-changes.ts';
import { startClients } from './storm-clients.ts';

const CHANGES = Number(process.env['PENFOLD_STORM_CHANGES'] ?? 1000);
const CLIENTS = Number(process.env['PENFOLD_STORM_CLIENTS'] ?? 200);
const SEED = Number(process.env['PENFOLD_STORM_SEED'] ?? 1);
/** Sampled so often in the course of it. */
const SAMPLES = 10;
const WITHIN_MS = 1_000;
/** A connection that is closing may take so long for its last bytes. */
const CLOSING_MS = 5_000;
const LOOK_AGAIN_MS = 20;
/** What the second half of the storm may add: messages and log lines that the test itself keeps. */
const GROWTH_BYTES = 12 * 1024 * 1024;
const WORKERS = Array.from({ length: 20 }, (_, at) => `worker${at}`);
const SWITCHED = ['switched0', 'switched1', 'switched2'];

setFlagsFromString('--expose-gc');
const collectGarbage: unknown = runInNewContext('gc');

function heapBytes(): number {
  if (typeof collectGarbage === 'function') collectGarbage();
  return process.memoryUsage().heapUsed;
}

/** What keeps this process busy, by kind. */
function resources(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}

test(`${CHANGES} changes while ${CLIENTS} clients work`, async (t) => {
  const warnings: string[] = [];
  const onWarning = ({ name, message }: Error): void => void warnings.push(`${name}: ${message}`);
  process.on('warning', onWarning);
  const stage = await SettingsStage.open(['alice', 'bob', 'guarded', ...SWITCHED, ...WORKERS]);
  try {
    const { running, users } = stage.organization;
    const byName = (name: string) => users.find(({ address }) => address.startsWith(`${name}@`)) ?? assert.fail(name);
    const guarded = byName('guarded');
    await stage.run('New-ThrottlingPolicy', { Name: POLICY });
    await stage.run('Set-ThrottlingPolicyAssociation', { Identity: guarded.address, ThrottlingPolicy: POLICY });
    const ports: number[] = [];
    while (ports.length < 6) ports.push(await freePort());
    const storm = new Storm({
      stage,
      seed: SEED,
      ports,
      switched: SWITCHED.map((name) => byName(name).address),
      guarded: guarded.address,
    });
    const listenersBefore = running.listeners().length;
    const resourcesBefore = resources();

    const working = await startClients(stage, WORKERS.map(byName), CLIENTS);
    const sessions = running.backEnd.sessions.list().length;
    let slowest = 0;
    let halfway = 0;
    for (let sample = 1; sample <= SAMPLES; sample += 1) {
      await Promise.race([storm.run(Math.ceil(CHANGES / SAMPLES)), working.done]);
      const began = performance.now();
      await seesGreetings(stage, storm);
      slowest = Math.max(slowest, performance.now() - began);
      if (sample === SAMPLES / 2) halfway = heapBytes();
    }
    const grown = heapBytes() - halfway;
    const { workload } = working;
    // Who logged on at the beginning is here at the end; visitors may be between two sessions.
    const visitors = Math.ceil(CLIENTS / 9);
    assert.ok(running.backEnd.sessions.list().length >= sessions - visitors);
    working.stop();
    await working.done;
    await stage.everybodyLeaves();

    await seesEverything(stage, storm, guarded);
    assert.ok(slowest < WITHIN_MS, `a change took ${slowest} ms to be seen`);
    assert.ok(grown < GROWTH_BYTES, `the heap grew by ${grown} bytes in the second half`);

    await storm.closeFurtherPorts();
    await running.settled();
    assert.equal(running.listeners().length, listenersBefore);
    assert.deepEqual(running.backEnd.sessions.list(), []);
    await leavesNothing(resourcesBefore);
    assert.deepEqual(
      stage.organization.log.filter(({ level }) => level === 'error'),
      [],
    );
    assert.deepEqual(
      warnings.filter((text) => text.includes('MaxListeners')),
      [],
    );
    t.diagnostic(
      `${workload.answered} commands, ${workload.visits} visits, slowest sample ${Math.round(slowest)} ms, heap ${Math.round(grown / 1024)} KB in the second half`,
    );
  } finally {
    process.off('warning', onWarning);
    await stage.close();
  }
});

/** Listeners, sockets and pipes are as many as before as soon as what is closing has closed. */
async function leavesNothing(before: ReadonlyMap<string, number>): Promise<void> {
  const more = (): readonly string[] =>
    [...resources()]
      .filter(([kind, count]) => kind.endsWith('Wrap') && count > (before.get(kind) ?? 0))
      .map(([kind, count]) => `${kind}: ${count}`);
  const giveUp = performance.now() + CLOSING_MS;
  while (more().length > 0 && performance.now() < giveUp) await delay(LOOK_AGAIN_MS);
  assert.deepEqual(more(), []);
}

const escaped = (text: string): RegExp => new RegExp(text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));

/** New connections are greeted with the last banners, and ports are open or closed as was said last. */
async function seesGreetings(stage: SettingsStage, storm: Storm): Promise<void> {
  const { organization } = stage;
  await organization.running.settled();
  for (const [key, port] of [
    ['PopSettings Banner', organization.pop3.plain],
    ['ImapSettings Banner', organization.imap.plain],
    [`ReceiveConnector ${INBOUND} Banner`, organization.smtp.inbound],
  ] as const) {
    const banner = storm.last.get(key);
    if (banner !== undefined) assert.match(await briefGreeting(stage, port), escaped(banner), key);
  }
  for (const port of storm.open) assert.match(await briefGreeting(stage, port), /^(?:\+OK|\* OK|220)/);
  const listening = organization.running.listeners().map(({ port }) => port);
  assert.deepEqual(
    [...storm.open].filter((port) => !listening.includes(port)),
    [],
  );
}

async function briefGreeting(stage: SettingsStage, port: number): Promise<string> {
  const talk = await stage.talk(port);
  const greeting = await talk.until(LINE);
  await talk.close();
  return greeting;
}

type User = SettingsStage['alice'];

const logsOn = (attempt: Promise<unknown>): Promise<boolean> =>
  attempt.then(
    () => true,
    () => false,
  );

/** Every setting that was changed and that a client can see. */
async function seesEverything(stage: SettingsStage, storm: Storm, guarded: User): Promise<void> {
  const { organization } = stage;
  await seesGreetings(stage, storm);
  const check = async (key: string, seen: (last: string) => Promise<unknown>): Promise<void> => {
    const last = storm.last.get(key);
    if (last !== undefined) assert.equal(await seen(last), last, key);
    await stage.everybodyLeaves();
  };
  for (const { noun, capabilities, something, ports, read } of [POP, IMAP]) {
    const isPop = noun === 'PopSettings';
    const { plain, tls } = ports(stage);
    await check(`${noun} LoginType`, async () => {
      const talk = await stage.talk(plain);
      await talk.until(LINE);
      const said = await capabilities(talk);
      if (!said.includes('SCRAM-SHA-256')) return 'SecureLogin';
      return said.includes('PLAIN') ? 'PlainTextLogin' : 'PlainTextAuthentication';
    });
    await check(`${noun} X509CertificateName`, () => stage.certificateOn(tls, null));
    await check(`${noun} PreAuthenticatedConnectionTimeout`, async () => {
      const talk = await stage.talk(plain);
      await talk.until(LINE);
      await something(talk);
      await something(talk);
      return String(stage.deadline.ms / 1000);
    });
    await check(`${noun} MaxCommandSize`, async (last) => {
      const talk = await stage.talkTls(tls);
      await talk.until(LINE);
      // One byte more than is allowed; what is far beyond is cut off.
      const frame = isPop ? 'USER ' : 'a ID ("name" "")';
      const filler = 'x'.repeat(Number(last) + 1 - frame.length);
      const said = isPop
        ? await say(talk, `${frame}${filler}`, LINE)
        : await say(talk, frame.replace('""', `"${filler}"`), IMAP_ANSWER);
      return /at most (\d+) bytes/.exec(said)?.[1];
    });
    await check(`${noun} MessageRetrievalMimeFormat`, async () => {
      const newestFirst = isPop && storm.last.get(`${noun} MessageRetrievalSortOrder`) === 'Descending';
      return (await read(stage, newestFirst ? 2 : 1)).includes('<p>') ? 'BestBodyFormat' : 'TextOnly';
    });
  }
  await check('PopSettings MessageRetrievalSortOrder', async () => {
    const talk = await stage.pop();
    const said = await say(talk, 'TOP 1 0', POP_LIST);
    return said.includes('Subject: rich') ? 'Ascending' : 'Descending';
  });
  await check('ImapSettings ShowHiddenFoldersEnabled', async () =>
    String((await say(await stage.imap(), 'a LIST "" *', IMAP_ANSWER)).includes('Secret')),
  );
  for (const user of organization.users.filter(({ address }) => address.startsWith('switched'))) {
    await check(`CASMailbox ${user.address} PopEnabled`, async () => String(await logsOn(stage.pop(user))));
    await check(`CASMailbox ${user.address} ImapEnabled`, async () => String(await logsOn(stage.imap(user))));
  }
  const announced = /SIZE (\d+)/.exec(await say(await stage.smtp(), 'EHLO x.example', /\r\n250 .*\r\n$/))?.[1];
  const sizes = [`ReceiveConnector ${INBOUND} MaxMessageSize`, 'TransportConfig MaxReceiveSize'];
  const limits = sizes.map((key) => Number(storm.last.get(key) ?? 10 * 1024 * 1024));
  assert.equal(announced, String(Math.min(...limits)));
  await check(`ThrottlingPolicy ${POLICY} ImapMaxConcurrency`, async () => {
    await stage.imap(guarded);
    return (await logsOn(stage.imap(guarded))) ? '5' : '1';
  });
  await check('Mailbox ProhibitSendReceiveQuota', async () => {
    const talk = await stage.imap(guarded);
    const message = `Subject: large\r\n\r\n${'x'.repeat(BEYOND_SMALL_QUOTA)}\r\n`;
    const said = await say(talk, `a APPEND INBOX {${message.length}+}\r\n${message}`, IMAP_ANSWER);
    return said.includes('OVERQUOTA') ? '30KB' : '3GB';
  });
}
