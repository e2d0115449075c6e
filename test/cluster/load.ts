/**
 * Clients at work while something breaks: each does what mail programs do, writes what it was told into the ledger, and
 * comes again through the next front end when its connection ends. Nobody is told of a fault.
 */
import { Buffer } from 'node:buffer';
import { setTimeout as pause } from 'node:timers/promises';
import type { RawImap } from '../support/raw-imap.ts';
import type { Cluster, Person } from './cluster.ts';
import { type Entry, type Ledger, wrongness } from './ledger.ts';
import { connected, imapGreeted, LineTalk } from './talk.ts';
import { FRONT_ENDS, type ServerName } from './topology.ts';

/** Between two things a client does; two processors serve all of it. */
const THINK_MS = 150;
/** Before a client that was refused comes again. */
const AGAIN_MS = 300;
const STORE_EVERY = 3;

class Refused extends Error {}

/** Times at which one client was served, and what it heard instead. */
export class Client {
  readonly name: string;
  readonly served: number[] = [];
  refusals = 0;
  broken = 0;

  constructor(name: string) {
    this.name = name;
  }

  /** Longest time without being served that touches the time from `from` to `to`. */
  longestGap(from: number, to: number): number {
    const times = [...this.served.filter((at) => at < from).slice(-1), ...this.served.filter((at) => at >= from)];
    let longest = 0;
    for (const [at, time] of times.entries()) {
      const next = Math.min(times[at + 1] ?? to, to);
      if (next >= from) longest = Math.max(longest, next - time);
    }
    return longest;
  }
}

export class Load {
  readonly clients: readonly Client[];
  readonly #cluster: Cluster;
  readonly #ledger: Ledger;
  readonly #ca: string;
  readonly #ended: Promise<unknown>;
  #running = true;
  #heard: (() => void) | null = null;

  constructor(cluster: Cluster, ledger: Ledger, ca: string) {
    this.#cluster = cluster;
    this.#ledger = ledger;
    this.#ca = ca;
    const { people } = cluster;
    const jobs: Array<readonly [name: string, job: (client: Client, frontEnd: ServerName) => Promise<void>]> = [
      ...people.map((person) => [`IMAP4 ${person.address}`, this.#imap(person)] as const),
      ...people.map((person, at) => [`SMTP ${person.address}`, this.#smtp(person, people.length - 1 - at)] as const),
      ...people.map((person) => [`POP3 ${person.address}`, this.#pop3(person)] as const),
    ];
    const clients = jobs.map(([name]) => new Client(name));
    this.clients = clients;
    this.#ended = Promise.all(
      clients.map(async (client, at) => {
        const [, job] = jobs[at] ?? [];
        if (job !== undefined) await this.#live(client, at, job);
      }),
    );
  }

  /** Every client has been served since `since`. @throws Error with those that were not after `ms` */
  async allServed(since: number, ms: number): Promise<void> {
    const late = (): readonly Client[] => this.clients.filter(({ served }) => (served.at(-1) ?? 0) <= since);
    const giveUp = performance.now() + ms;
    while (late().length > 0) {
      const left = giveUp - performance.now();
      const names = late().map(({ name, refusals, broken }) => `${name} (${refusals} refused, ${broken} broken)`);
      if (left <= 0) throw new Error(`not served again after ${ms} ms: ${names.join(', ')}`);
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#heard = resolve;
      const timer = setTimeout(resolve, left);
      await promise;
      clearTimeout(timer);
    }
  }

  /** Lets each finish what it has begun. */
  async stop(): Promise<void> {
    this.#running = false;
    await this.#ended;
  }

  async #live(
    client: Client,
    number: number,
    job: (client: Client, frontEnd: ServerName) => Promise<void>,
  ): Promise<void> {
    for (let turn = number; this.#running; turn += 1) {
      const frontEnd = FRONT_ENDS[turn % FRONT_ENDS.length];
      if (frontEnd === undefined) return;
      try {
        await job(client, frontEnd);
      } catch (error) {
        if (error instanceof Refused) {
          client.refusals += 1;
          const wrong = wrongness(error.message);
          if (wrong !== null) this.#ledger.wrongAnswers.push(`${client.name} by ${frontEnd}: ${wrong}`);
        } else client.broken += 1;
        if (this.#running) await pause(AGAIN_MS);
      }
    }
  }

  #served(client: Client): void {
    client.served.push(performance.now());
    this.#heard?.();
  }

  #imap(person: Person) {
    return async (client: Client, frontEnd: ServerName): Promise<void> => {
      const imap = await imapGreeted(frontEnd, this.#ca);
      try {
        const told = async (text: string, literal?: Buffer): Promise<string> => {
          const { status } = await imap.command(text, literal);
          if (!status.startsWith('OK')) throw new Refused(status);
          return status;
        };
        await told(`LOGIN ${person.address} "${person.password}"`);
        await told('SELECT INBOX');
        for (let count = 0; this.#running; count += 1) {
          const entry = this.#ledger.begin(person, 'IMAP4');
          const uid = await append(imap, entry);
          if (count % STORE_EVERY === 0) {
            entry.flagged = 'unknown';
            await told(`UID STORE ${uid} +FLAGS.SILENT (\\Flagged)`);
            entry.flagged = 'acknowledged';
          }
          this.#served(client);
          await pause(THINK_MS);
        }
        imap.send('z LOGOUT\r\n');
      } finally {
        imap.hangUp();
      }
    };
  }

  #smtp(from: Person, to: number) {
    return async (client: Client, frontEnd: ServerName): Promise<void> => {
      const recipient = this.#cluster.people[to];
      if (recipient === undefined) return;
      const talk = new LineTalk(await connected(frontEnd, 465, this.#ca));
      try {
        const told = async (line: string | null, expected: string): Promise<void> => {
          const answer = await talk.say(line);
          if (!answer.startsWith(expected)) throw new Refused(answer);
        };
        await told(null, '220');
        await told('EHLO client.example', '250');
        const secret = Buffer.from(`\0${from.address}\0${from.password}`).toString('base64');
        await told(`AUTH PLAIN ${secret}`, '235');
        await told(`MAIL FROM:<${from.address}>`, '250');
        await told(`RCPT TO:<${recipient.address}>`, '250');
        await told('DATA', '354');
        const entry = this.#ledger.begin(recipient, 'SMTP');
        const answer = await talk.say(`${messageOf(entry, from)}.`);
        entry.fate = answer.startsWith('250') ? 'acknowledged' : 'refused';
        if (entry.fate === 'refused') throw new Refused(answer);
        this.#served(client);
        await pause(THINK_MS);
      } finally {
        talk.hangUp();
      }
    };
  }

  #pop3(person: Person) {
    return async (client: Client, frontEnd: ServerName): Promise<void> => {
      const talk = new LineTalk(await connected(frontEnd, 995, this.#ca));
      try {
        for (const line of [null, `USER ${person.address}`, `PASS ${person.password}`, 'STAT', 'QUIT']) {
          const answer = await talk.say(line);
          if (!answer.startsWith('+OK')) throw new Refused(answer);
        }
        this.#served(client);
        await pause(THINK_MS * 4);
      } finally {
        talk.hangUp();
      }
    };
  }
}

const messageOf = (entry: Entry, from: Person): string =>
  `From: ${from.address}\r\nTo: ${entry.owner.address}\r\nSubject: ${entry.token}\r\n\r\n${'text '.repeat(200)}\r\n`;

/** The UID of the message (RFC 4315). */
async function append(imap: RawImap, entry: Entry): Promise<string> {
  const { status } = await imap.command('APPEND INBOX', Buffer.from(messageOf(entry, entry.owner)));
  const [, uid] = /^OK \[APPENDUID \d+ (\d+)\]/.exec(status) ?? [];
  entry.fate = uid === undefined ? 'refused' : 'acknowledged';
  if (uid === undefined) throw new Refused(status);
  return uid;
}
