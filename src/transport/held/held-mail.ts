/**
 * Mail that has been accepted and goes out later: held until its time (RFC 4865), or kept because somebody could not be
 * reached. Durable before it is acknowledged, read again at start, sent in time, cancelled while nobody has it.
 *
 * Never lost: a message leaves the disk only when each recipient has it, or its sender was told why not. A crash in the
 * moment between a delivery and its note on disk sends that copy a second time; at every other moment exactly once.
 */
import { Buffer } from 'node:buffer';
import { Failure } from '../../observe/failure.ts';
import type { Log } from '../../observe/log.ts';
import { replyToFailure } from '../../smtp/server/intake.ts';
import { refusedRoute } from '../../smtp/server/submitted-recipient.ts';
import type { Reply } from '../../smtp/grammar/reply.ts';
import { receivedField, returnPathField } from '../../smtp/server/trace.ts';
import type { Envelope, Recipient, Transport } from '../api.ts';
import { notifyOfDelivery, notifyOfFailure } from '../delivery-status.ts';
import { HeldFiles, type HeldMessageFacts, NO_PROGRESS, type Progress } from './held-files.ts';

/** Messages one account may have waiting: more is a program gone wild. */
export const HELD_PER_ACCOUNT = 500;
/** How far ahead a message may be put off (`maxDelayedSend` of RFC 8621 §1.3.2), in seconds. */
export const MAX_DELAYED_SEND = 30 * 86_400;
/** Waits between tries, the last one again and again (ms). */
const RETRY_AFTER = [60_000, 5 * 60_000, 15 * 60_000, 60 * 60_000];
/** RFC 5321 §4.5.4.1 asks for days; then the sender hears of it. */
const GIVE_UP_AFTER = 2 * 86_400_000;
/** setTimeout takes no more. */
const LONGEST_WAIT = 2 ** 31 - 1;
const HEADER_OCTETS = 64 * 1024;

export interface RecipientOutcome {
  readonly delivered: boolean;
  /** As SMTP would have said it. */
  readonly reply: string;
}

export interface HeldMail {
  readonly facts: HeldMessageFacts;
  /** By recipient; who is missing is waited for. */
  readonly done: Readonly<Record<string, RecipientOutcome>>;
  /** Waiting; on its way now, or on its way before; nothing left to do; taken back. */
  readonly state: 'held' | 'sending' | 'final' | 'canceled';
}

export interface HeldMailOptions {
  readonly directory: string;
  readonly transport: Transport;
  /** Name of this server in trace fields and notices. */
  readonly serverName: string;
  readonly log: Log;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** HELD_PER_ACCOUNT when missing. */
  readonly perAccount?: number;
}

interface Entry {
  readonly facts: HeldMessageFacts;
  progress: Progress;
  state: HeldMail['state'];
  timer: NodeJS.Timeout | null;
  attempt: Promise<void> | null;
  /** Somebody waits for the outcome and can tell the sender. */
  senderWaits: boolean;
}

export class HeldMailSpool {
  readonly #options: HeldMailOptions;
  readonly #files: HeldFiles;
  readonly #now: () => number;
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<(mail: HeldMail) => void>();
  #closed = false;

  private constructor(options: HeldMailOptions, files: HeldFiles) {
    this.#options = options;
    this.#files = files;
    this.#now = options.now ?? Date.now;
  }

  /** Reads what is there; nothing goes out before `start`. */
  static async open(options: HeldMailOptions): Promise<HeldMailSpool> {
    const files = await HeldFiles.open(options.directory);
    const spool = new HeldMailSpool(options, files);
    const found = await files.all((file, error) =>
      options.log.error({ file, error: String(error) }, 'a held message cannot be read and stays where it is'),
    );
    for (const { facts, progress } of found)
      spool.#entries.set(facts.id, {
        facts,
        progress,
        state: progress.attempts === 0 ? 'held' : 'sending',
        timer: null,
        attempt: null,
        senderWaits: false,
      });
    return spool;
  }

  start(): void {
    for (const entry of this.#entries.values()) this.#schedule(entry);
  }

  /** Attempts under way end; what waits stays on disk. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const entry of this.#entries.values()) {
      if (entry.timer !== null) clearTimeout(entry.timer);
      entry.timer = null;
    }
    for (const { attempt } of this.#entries.values()) await attempt;
  }

  /** Told of every change, synchronously. Returns the way to stop. */
  watch(listener: (mail: HeldMail) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  all(): readonly HeldMail[] {
    return [...this.#entries.values()].map(seen);
  }

  find(id: string): HeldMail | null {
    const entry = this.#entries.get(id);
    return entry === undefined ? null : seen(entry);
  }

  /** On disk when it resolves; `release` sends it, `schedule` lets it wait. @throws Failure LIMIT, UNAVAILABLE */
  async accept(facts: HeldMessageFacts, bytes: AsyncIterable<Buffer>): Promise<void> {
    let waiting = 0;
    for (const { facts: other } of this.#entries.values()) if (other.account === facts.account) waiting += 1;
    const { perAccount = HELD_PER_ACCOUNT } = this.#options;
    if (waiting >= perAccount)
      throw new Failure('LIMIT', `${perAccount} messages of this account wait to be sent; more are not taken`);
    try {
      await this.#files.write(facts, bytes);
    } catch (error) {
      if (error instanceof Failure) throw error;
      this.#options.log.error({ message: facts.id, error: String(error) }, 'a message to be sent cannot be written');
      throw new Failure('UNAVAILABLE', 'The message cannot be stored now, please try again later.', { cause: error });
    }
    const entry: Entry = {
      facts,
      progress: NO_PROGRESS,
      state: 'held',
      timer: null,
      attempt: null,
      senderWaits: false,
    };
    this.#entries.set(facts.id, entry);
    this.#tell(entry);
  }

  /** Sends it when its time comes. */
  schedule(id: string): void {
    const entry = this.#entries.get(id);
    if (entry !== undefined) this.#schedule(entry);
  }

  /**
   * Tries now, and later again whom it could not reach. What came of the try. Whoever asks tells the sender himself
   * when nobody could get it: no notice is sent then.
   */
  async release(id: string): Promise<HeldMail | null> {
    const entry = this.#entries.get(id);
    if (entry === undefined) return null;
    entry.senderWaits = true;
    await this.#attempt(entry);
    entry.senderWaits = false;
    return seen(entry);
  }

  /** False: too late, or there is none. Gone from the disk when it resolves. */
  async cancel(id: string): Promise<boolean> {
    const entry = this.#entries.get(id);
    if (entry === undefined || entry.state !== 'held') return false;
    // From here on no timer can send it.
    this.#drop(entry, 'canceled');
    await this.#files.remove(id);
    return true;
  }

  #schedule(entry: Entry): void {
    if (this.#closed || entry.attempt !== null) return;
    if (entry.timer !== null) clearTimeout(entry.timer);
    const due = entry.progress.attempts === 0 ? entry.facts.releaseAt : entry.progress.nextAt;
    const wait = Math.min(LONGEST_WAIT, Math.max(0, due - this.#now()));
    entry.timer = setTimeout(() => {
      entry.timer = null;
      if (this.#now() < due) this.#schedule(entry);
      else void this.#attempt(entry);
    }, wait);
    // A message that waits keeps no process alive.
    entry.timer.unref();
  }

  /** Never rejects. */
  #attempt(entry: Entry): Promise<void> {
    if (entry.timer !== null) clearTimeout(entry.timer);
    entry.timer = null;
    if (entry.state === 'final' || entry.state === 'canceled') return Promise.resolve();
    entry.state = 'sending';
    entry.attempt ??= this.#send(entry)
      .catch((error: unknown) => {
        this.#options.log.error({ message: entry.facts.id, error: String(error) }, 'a held message could not be sent');
      })
      .finally(() => {
        entry.attempt = null;
        if (entry.state === 'sending') this.#schedule(entry);
      });
    return entry.attempt;
  }

  async #send(entry: Entry): Promise<void> {
    const { facts } = entry;
    this.#tell(entry);
    const done: Record<string, RecipientOutcome> = { ...entry.progress.done };
    const reached = await this.#deliver(entry, done);
    const attempts = entry.progress.attempts + 1;
    const open = facts.recipients.filter((address) => done[address] === undefined);
    if (open.length > 0 && this.#now() - facts.releaseAt > GIVE_UP_AFTER)
      for (const address of open)
        done[address] = { delivered: false, reply: '554 5.4.7 the mailbox could not be reached for two days' };
    const isOver = facts.recipients.every((address) => done[address] !== undefined);
    const wait = RETRY_AFTER[Math.min(attempts, RETRY_AFTER.length) - 1] ?? 0;
    entry.progress = { attempts, nextAt: this.#now() + wait, done };
    await this.#files.note(facts.id, entry.progress);
    if (!isOver) {
      this.#tell(entry);
      return;
    }
    await this.#notices(entry, reached);
    this.#drop(entry, 'final');
    await this.#files.remove(facts.id);
  }

  /** Fills in who is done with; answers who has just got it. */
  async #deliver(entry: Entry, done: Record<string, RecipientOutcome>): Promise<readonly Recipient[]> {
    const { facts } = entry;
    const { transport } = this.#options;
    const recipients: Recipient[] = [];
    for (const address of facts.recipients.filter((one) => done[one] === undefined)) {
      const found = await this.#recipient(facts, address);
      if ('code' in found) {
        if (found.code >= 500) done[address] = { delivered: false, reply: lineOf(found) };
      } else recipients.push(found);
    }
    if (recipients.length === 0) return [];
    const message = transport.begin(this.#envelope(facts, recipients), Buffer.from(this.#trace(facts), 'utf8'));
    try {
      for await (const chunk of this.#files.message(facts.id)) await message.write(chunk);
    } catch (error) {
      await message.abort();
      throw error;
    }
    const { delivered, failed } = await message.finish();
    const byMailbox = new Set(delivered.map(({ mailbox }) => mailbox.id));
    // Several addresses of one mailbox are one copy: all of them have it.
    for (const { address, mailbox } of recipients)
      if (byMailbox.has(mailbox.id)) done[address] = { delivered: true, reply: '250 2.1.5 delivered' };
    for (const { recipient, failure } of failed) {
      const answer = replyToFailure(failure);
      if (answer.code < 500) continue;
      for (const { address, mailbox } of recipients)
        if (mailbox.id === recipient.mailbox.id) done[address] = { delivered: false, reply: lineOf(answer) };
    }
    return delivered;
  }

  async #recipient(facts: HeldMessageFacts, address: string): Promise<Recipient | Reply> {
    const at = address.lastIndexOf('@');
    try {
      const route = await this.#options.transport.route(address.slice(0, at), address.slice(at + 1));
      if (route.kind !== 'local') return refusedRoute(route.kind);
      const notify = facts.notify[address];
      const dsn = notify === undefined ? {} : { dsn: { notify: new Set(notify), original: null } };
      return { ...route.recipient, address, ...dsn };
    } catch (error) {
      if (error instanceof Failure) return replyToFailure(error);
      throw error;
    }
  }

  #envelope(facts: HeldMessageFacts, recipients: readonly Recipient[]): Envelope {
    return {
      id: facts.id,
      reversePath: facts.reversePath,
      recipients,
      receivedAt: this.#now(),
      origin: {
        clientAddress: facts.clientAddress,
        clientName: '',
        connector: 'JMAP',
        authenticated: true,
        messageId: facts.messageId,
        subject: facts.subject,
      },
      ...(facts.dsn === null ? {} : { dsn: facts.dsn }),
    };
  }

  #trace(facts: HeldMessageFacts): string {
    const [only] = facts.recipients;
    const received = receivedField({
      greeting: 'EHLO',
      clientName: '',
      clientAddress: facts.clientAddress,
      serverName: this.#options.serverName,
      authenticated: true,
      tlsCipher: null,
      smtpUtf8: false,
      id: facts.id,
      recipient: facts.recipients.length === 1 && only !== undefined ? only : null,
      at: facts.acceptedAt,
      protocol: 'HTTP',
    });
    return returnPathField(facts.reversePath) + received;
  }

  async #notices({ facts, progress, senderWaits }: Entry, reached: readonly Recipient[]): Promise<void> {
    if (senderWaits && Object.values(progress.done).every(({ delivered }) => !delivered)) return;
    const { transport, serverName, log } = this.#options;
    const options = { transport, reportingHost: serverName, log, now: this.#now };
    const envelope = this.#envelope(facts, []);
    const failed = facts.recipients
      .map((address) => ({ address, outcome: progress.done[address] }))
      .filter(
        ({ address, outcome }) => outcome?.delivered === false && facts.notify[address]?.includes('FAILURE') !== false,
      );
    const asked = reached.some(({ dsn }) => dsn?.notify?.has('SUCCESS') === true);
    if (failed.length === 0 && !asked) return;
    const header = await this.#header(facts.id);
    await notifyOfDelivery(options, envelope, reached, header);
    const told = failed.map(({ address, outcome }) => ({ address, reply: outcome?.reply ?? '' }));
    if (told.length > 0) await notifyOfFailure(options, envelope, told, header);
  }

  async #header(id: string): Promise<Buffer> {
    let header = Buffer.alloc(0);
    for await (const chunk of this.#files.message(id)) {
      header = Buffer.concat([header, chunk]);
      const end = header.indexOf('\r\n\r\n');
      if (end >= 0) return header.subarray(0, end + 4);
      if (header.length > HEADER_OCTETS) break;
    }
    return header;
  }

  #drop(entry: Entry, state: 'final' | 'canceled'): void {
    if (entry.timer !== null) clearTimeout(entry.timer);
    entry.timer = null;
    entry.state = state;
    this.#entries.delete(entry.facts.id);
    this.#tell(entry);
  }

  #tell(entry: Entry): void {
    const mail = seen(entry);
    for (const listener of this.#listeners) listener(mail);
  }
}

const seen = ({ facts, progress, state }: Entry): HeldMail => ({ facts, done: progress.done, state });

const lineOf = ({ code, enhanced, lines }: Reply): string =>
  [String(code), ...(enhanced === null ? [] : [enhanced]), ...lines].join(' ');
