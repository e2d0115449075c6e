/**
 * A raw IMAP client that believes nothing: it keeps its own picture of the selected folder from what it is told, and
 * throws at the first answer that cannot be true (RFC 9051 §2.3.1, §5.5, §7.4, §7.5; RFC 7162 §3.1).
 */
import type { Socket } from 'node:net';

/** What all clients agree on: one mailbox has one history. */
export class SharedTruth {
  /** Flags by `uid/modseq`, without \Recent. */
  readonly flagsAt = new Map<string, string>();
  /** First header line by UID: a UID means one message for ever. */
  readonly subjects = new Map<number, string>();
  readonly appended = new Set<number>();
}

export class Violation extends Error {
  override readonly name = 'Violation';
}

interface Sent {
  readonly tag: string;
  readonly text: string;
  /** EXPUNGE may come before its tagged answer. */
  readonly mayExpunge: boolean;
  readonly resolve: (answer: string) => void;
  readonly reject: (reason: Error) => void;
}

export interface Known {
  flags: string | null;
  modSeq: number;
}

export class CheckedClient {
  readonly name: string;
  readonly truth: SharedTruth;
  /** UID by sequence number - 1; null: announced by EXISTS, UID not seen yet. */
  slots: Array<number | null> = [];
  readonly known = new Map<number, Known>();
  /** Numbers of the latest SEARCH answer. */
  found: number[] = [];
  /** Lines seen, for the count of a run. */
  lines = 0;
  readonly #socket: Socket;
  readonly #queue: Sent[] = [];
  /** UIDs that got a MODSEQ without flags in the present command: the client keeps its own flags under it. */
  readonly #paired = new Set<number>();
  #buffer: Buffer = Buffer.alloc(0);
  #tag = 0;
  #goAhead: (() => void) | null = null;
  #failed: Error | null = null;

  constructor(name: string, socket: Socket, truth: SharedTruth) {
    this.name = name;
    this.truth = truth;
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
      this.#drain();
    });
    socket.on('close', () => this.#fail(new Violation(`${name}: the server closed the connection`)));
    socket.on('error', () => {});
  }

  /** Resolves with the tagged answer without its tag. */
  send(text: string, literal?: Buffer): Promise<string> {
    const byNumber = /^(FETCH|STORE|SEARCH|SORT|THREAD)\b/.test(text);
    return this.#send(text, !byNumber, literal);
  }

  /** IDLE until `until` resolves. */
  async idle(until: Promise<void>): Promise<string> {
    const { promise: ready, resolve } = Promise.withResolvers<void>();
    this.#goAhead = resolve;
    const done = this.#send('IDLE', true);
    // A violation inside IDLE rejects `done` before `ready`.
    await Promise.race([ready, done]);
    await Promise.race([until, done]);
    this.#socket.write('DONE\r\n');
    return done;
  }

  close(): void {
    this.#socket.removeAllListeners('close');
    this.#socket.destroy();
  }

  #send(text: string, mayExpunge: boolean, literal?: Buffer): Promise<string> {
    if (this.#failed !== null) return Promise.reject(this.#failed);
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    this.#tag += 1;
    const tag = `t${this.#tag}`;
    this.#queue.push({ tag, text, mayExpunge, resolve, reject });
    const line = Buffer.from(`${tag} ${text}${literal === undefined ? '' : ` {${literal.length}+}`}\r\n`);
    this.#socket.write(literal === undefined ? line : Buffer.concat([line, literal, Buffer.from('\r\n')]));
    return promise;
  }

  #drain(): void {
    try {
      for (let line = this.#nextLine(); line !== null; line = this.#nextLine()) this.#read(line);
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** One answer with its literals in place, or null while it is incomplete. */
  #nextLine(): string | null {
    let from = 0;
    for (;;) {
      const end = this.#buffer.indexOf('\r\n', from);
      if (end < 0) return null;
      const size = /\{(\d+)\}$/.exec(this.#buffer.toString('latin1', from, end))?.[1];
      if (size === undefined) {
        const line = this.#buffer.toString('latin1', 0, end);
        this.#buffer = this.#buffer.subarray(end + 2);
        return line;
      }
      from = end + 2 + Number(size);
      if (this.#buffer.length < from) return null;
    }
  }

  #read(line: string): void {
    this.lines += 1;
    if (line.startsWith('+')) {
      this.#goAhead?.();
      return;
    }
    if (line.startsWith('* ')) {
      this.#untagged(line.slice(2));
      return;
    }
    const sent = this.#queue.shift();
    const space = line.indexOf(' ');
    if (sent === undefined || line.slice(0, space) !== sent.tag) throw this.#violation(`unexpected tag: ${line}`);
    for (const uid of this.#paired) {
      const known = this.known.get(uid);
      if (known !== undefined) this.#pair(uid, known);
    }
    this.#paired.clear();
    sent.resolve(line.slice(space + 1));
  }

  #untagged(line: string): void {
    const numbered = /^(\d+) (EXISTS|RECENT|EXPUNGE|FETCH)(?: ([^]*))?$/.exec(line);
    if (numbered !== null) {
      const number = Number(numbered[1]);
      if (numbered[2] === 'EXISTS') this.#exists(number);
      else if (numbered[2] === 'EXPUNGE') this.#expunge(number);
      else if (numbered[2] === 'FETCH') this.#fetch(number, numbered[3] ?? '');
      else if (number > this.slots.length) throw this.#violation(`${number} RECENT of ${this.slots.length}`);
      return;
    }
    if (line.startsWith('SEARCH')) this.found = line.split(' ').slice(1).map(Number);
    if (line.startsWith('BYE')) throw this.#violation(line);
  }

  #exists(count: number): void {
    const selecting = this.#queue[0]?.text.startsWith('SELECT') === true;
    if (selecting) this.slots = [];
    if (count < this.slots.length) throw this.#violation(`EXISTS shrank from ${this.slots.length} to ${count}`);
    while (this.slots.length < count) this.slots.push(null);
  }

  #expunge(number: number): void {
    const current = this.#queue[0];
    if (current === undefined) throw this.#violation('EXPUNGE while no command is in progress');
    if (!current.mayExpunge) throw this.#violation(`EXPUNGE during ${current.text}`);
    if (number < 1 || number > this.slots.length) throw this.#violation(`EXPUNGE ${number} of ${this.slots.length}`);
    const [uid] = this.slots.splice(number - 1, 1);
    if (typeof uid === 'number') this.known.delete(uid);
  }

  #fetch(number: number, items: string): void {
    if (number < 1 || number > this.slots.length) throw this.#violation(`FETCH ${number} of ${this.slots.length}`);
    const told = /\bUID (\d+)/.exec(items)?.[1];
    if (told !== undefined) this.#place(number, Number(told));
    const uid = this.slots[number - 1] ?? null;
    const subject = /\r\nSubject: (.*)\r\n/.exec(items)?.[1];
    if (uid === null) return;
    if (subject !== undefined) {
      const before = this.truth.subjects.get(uid);
      if (before !== undefined && before !== subject) {
        throw this.#violation(`UID ${uid} is «${subject}», was «${before}»`);
      }
      this.truth.subjects.set(uid, subject);
    }
    this.#learn(uid, /\bFLAGS \(([^)]*)\)/.exec(items)?.[1], /\bMODSEQ \((\d+)\)/.exec(items)?.[1]);
  }

  /** A number means one UID until it is expunged, and UIDs rise with numbers. */
  #place(number: number, uid: number): void {
    const known = this.slots[number - 1];
    if (known !== null && known !== uid) throw this.#violation(`number ${number} is UID ${uid}, was ${String(known)}`);
    if (known === uid) return;
    for (let at = number - 2; at >= 0; at -= 1) {
      const lower = this.slots[at];
      if (lower === null || lower === undefined) continue;
      if (lower >= uid) throw this.#violation(`UID ${uid} at ${number} behind UID ${lower}`);
      break;
    }
    for (let at = number; at < this.slots.length; at += 1) {
      const higher = this.slots[at];
      if (higher === null || higher === undefined) continue;
      if (higher <= uid) throw this.#violation(`UID ${uid} at ${number} before UID ${higher}`);
      break;
    }
    this.slots[number - 1] = uid;
  }

  #learn(uid: number, flags: string | undefined, modSeq: string | undefined): void {
    const known = this.known.get(uid) ?? { flags: null, modSeq: 0 };
    this.known.set(uid, known);
    if (flags !== undefined) known.flags = normalized(flags);
    if (modSeq === undefined) return;
    const now = Number(modSeq);
    if (now < known.modSeq) throw this.#violation(`MODSEQ of UID ${uid} fell from ${known.modSeq} to ${now}`);
    known.modSeq = now;
    // What was set by someone else may follow before the tagged answer.
    if (flags === undefined) this.#paired.add(uid);
    else this.#pair(uid, known);
  }

  /** Whoever knows flags of a message at one MODSEQ knows the same ones. */
  #pair(uid: number, { flags, modSeq }: Known): void {
    if (flags === null) return;
    const key = `${uid}/${modSeq}`;
    const before = this.truth.flagsAt.get(key);
    if (before !== undefined && before !== flags) {
      throw this.#violation(`UID ${uid} at MODSEQ ${modSeq} has (${flags}), another saw (${before})`);
    }
    this.truth.flagsAt.set(key, flags);
  }

  #violation(what: string): Violation {
    const during = this.#queue.map((sent) => sent.text).join(' | ');
    return new Violation(`${this.name}: ${what} (during ${during === '' ? 'nothing' : during})`);
  }

  #fail(error: Error): void {
    this.#failed ??= error;
    for (const sent of this.#queue.splice(0)) sent.reject(error);
  }
}

/** Sorted, without \Recent, which differs between sessions. */
export function normalized(flags: string): string {
  return flags
    .split(' ')
    .filter((flag) => flag !== '' && flag !== '\\Recent')
    .sort()
    .join(' ');
}
