/** What issue 4 must show of two sites with two front ends and two back ends each. Run by scripts/cluster.ts. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { after, before, describe, test } from 'node:test';
import { differences } from './checker.ts';
import { Cluster, DATABASES, type Person } from './cluster.ts';
import { FAULTS } from './faults.ts';
import { Ledger } from './ledger.ts';
import { Load } from './load.ts';
import { fetchmail, imapCount, mbsync, pop3Count, type Seat, submit } from './programs.ts';
import { imapGreeted } from './talk.ts';
import { type FaultRow, faultTable, writeFaultDocument } from './report.ts';
import { BACK_ENDS, FRONT_ENDS } from './topology.ts';

const PEOPLE_OF_DATABASE = Number(process.env.PENFOLD_CLUSTER_USERS || '2');
/** Programs at a time. */
const AT_ONCE = 6;
/** A client that is not served again by then never will be. */
const RECOVERY_MS = 60_000;

let cluster: Cluster;
let seats: readonly [east: Seat, west: Seat];
before(async () => {
  const began = performance.now();
  cluster = await Cluster.open(tmpdir(), PEOPLE_OF_DATABASE);
  const { scratch, trusted } = cluster;
  seats = [
    { host: 'CLIENT-E', scratch, trusted },
    { host: 'CLIENT-W', scratch, trusted },
  ];
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(`eight servers in two sites, ${cluster.people.length} people: ready in ${seconds} s`);
});
after(() => cluster?.close());

/** Each thing done, a few at a time; the first failure ends it. */
async function each<T>(things: readonly T[], act: (thing: T) => Promise<void>): Promise<void> {
  const left = [...things];
  const worker = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) await act(next);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
const ways = (): ReadonlyArray<readonly [Person, (typeof FRONT_ENDS)[number]]> =>
  cluster.people.flatMap((person) => FRONT_ENDS.map((frontEnd) => [person, frontEnd] as const));
/** Everybody uses the front ends of both sites from both sites. */
const seatFor = (at: number): Seat => (at % 2 === 0 ? seats[0] : seats[1]);
const siteOf = (person: Person): string => DATABASES[person.database].site;

describe('every user through every front end', () => {
  /** To whom each writes: somebody in the other site. */
  const correspondent = (person: Person): Person => {
    const others = cluster.people.filter((one) => siteOf(one) !== siteOf(person));
    return others[cluster.people.indexOf(person) % others.length] ?? assert.fail();
  };
  const subject = (person: Person, frontEnd: string): string => `from ${person.address} by ${frontEnd}`;

  test('sends by SMTP submission to the other site (curl)', async () => {
    await each([...ways().entries()], async ([at, [person, frontEnd]]) => {
      const to = correspondent(person);
      const text = `From: ${person.address}\r\nTo: ${to.address}\r\nSubject: ${subject(person, frontEnd)}\r\n\r\nbody\r\n`;
      await submit(seatFor(at), person, to, frontEnd, text);
    });
  });

  const expected = (person: Person): readonly string[] =>
    cluster.people
      .filter((from) => correspondent(from) === person)
      .flatMap((from) => FRONT_ENDS.map((frontEnd) => subject(from, frontEnd)));
  const subjectsIn = (mail: string): readonly string[] =>
    [...mail.matchAll(/^Subject: (from .*?)\r?$/gm)].map(([, text]) => text ?? '');

  test('finds all of it by IMAP4 and by POP3 (curl)', async () => {
    await each([...ways().entries()], async ([at, [person, frontEnd]]) => {
      const count = expected(person).length;
      assert.equal(await imapCount(seatFor(at), person, frontEnd), count, `${person.address} by IMAP4 on ${frontEnd}`);
      assert.equal(await pop3Count(seatFor(at), person, frontEnd), count, `${person.address} by POP3 on ${frontEnd}`);
    });
  });

  test('fetches it with mbsync and with fetchmail', async () => {
    await each([...ways().entries()], async ([at, [person, frontEnd]]) => {
      const right = [...expected(person)].sort();
      const seat = seatFor(at);
      assert.deepEqual([...subjectsIn(await mbsync(seat, person, frontEnd))].sort(), right);
      const by = at % 2 === 0 ? 'POP3' : 'IMAP';
      assert.deepEqual([...subjectsIn(await fetchmail(seat, person, frontEnd, by))].sort(), right);
    });
  });
});

describe('faults while clients work: nothing acknowledged is lost, no answer is wrong', () => {
  const rows: FaultRow[] = [];
  const ledger = new Ledger();
  let ca = '';
  before(async () => {
    ca = await readFile(cluster.trusted, 'utf8');
  });
  after(async () => {
    console.log(`\n${faultTable(rows)}\n`);
    if (process.env.PENFOLD_CLUSTER_WRITE === '1' && rows.length === FAULTS.length) await writeFaultDocument(rows);
  });

  for (const fault of FAULTS)
    test(fault.name, async () => {
      const load = new Load(cluster, ledger, ca);
      try {
        await load.allServed(0, RECOVERY_MS);
        const began = performance.now();
        const before = totals(load);
        await fault.act(cluster);
        const over = performance.now();
        await load.allServed(over, RECOVERY_MS);
        const well = performance.now();
        await load.stop();
        const now = totals(load);
        rows.push({
          fault: fault.name,
          how: fault.how,
          clients: load.clients.length,
          acknowledged: ledger.count('acknowledged'),
          refused: now.refusals - before.refusals,
          broken: now.broken - before.broken,
          longestMs: Math.max(...load.clients.map((client) => client.longestGap(began, well))),
          recoveryMs: well - over,
        });
      } finally {
        await load.stop();
        for (const fall of cluster.falls) console.log(fall);
      }
      assert.deepEqual(cluster.falls, []);
      assert.deepEqual(ledger.wrongAnswers, []);
      assert.deepEqual(await differences(cluster, ledger, ca), []);
    });

  test('the checker finds what is lost, what is there twice, and a flag that is missing', async () => {
    const [person] = cluster.people;
    const [frontEnd] = FRONT_ENDS;
    assert.ok(person !== undefined && frontEnd !== undefined);
    const [lost, twice, unflagged] = [1, 2, 3].map(() => ledger.begin(person, 'IMAP4'));
    assert.ok(lost !== undefined && twice !== undefined && unflagged !== undefined);
    for (const entry of [lost, twice, unflagged]) entry.fate = 'acknowledged';
    unflagged.flagged = 'acknowledged';
    const imap = await imapGreeted(frontEnd, ca);
    await imap.command(`LOGIN ${person.address} "${person.password}"`);
    for (const { token } of [twice, twice, unflagged])
      assert.match((await imap.command('APPEND INBOX', Buffer.from(`Subject: ${token}\r\n\r\n`))).status, /^OK/);
    imap.hangUp();
    const found = [...(await differences(cluster, ledger, ca, 0))].sort();
    assert.deepEqual(
      found.map((text) => text.replace(/^.*acknowledged: /, '')).sort(),
      ['its flag is lost', 'lost', 'there 2 times'],
      found.join('\n'),
    );
  });

  test('every mailbox is sound when the servers are stopped', async () => {
    await cluster.stopServers();
    for (const name of BACK_ENDS) assert.match(await cluster.server(name).penfold(['verify']), /: no problem/);
  });
});

const totals = ({ clients }: Load): { readonly refusals: number; readonly broken: number } => ({
  refusals: clients.reduce((sum, client) => sum + client.refusals, 0),
  broken: clients.reduce((sum, client) => sum + client.broken, 0),
});
