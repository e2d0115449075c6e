/**
 * EmailSubmission records (RFC 8621 §7): what waits stands in the spool on disk; what is done with is remembered for a
 * while, which the RFC leaves to the server. States count the changes of an account since the start of the process.
 */
import { randomBytes } from 'node:crypto';
import * as v from 'valibot';
import type { HeldMail, HeldMailSpool } from '../../../transport/held/held-mail.ts';
import type { Json, JsonObject } from '../json.ts';

/** Of one account, and of all. */
export const REMEMBERED_PER_ACCOUNT = 200;
const REMEMBERED = 20_000;
/** Changes one can ask for. */
const LOGGED_PER_ACCOUNT = 1000;

const memoSchema = v.strictObject({
  identityId: v.string(),
  emailId: v.string(),
  threadId: v.string(),
  /** JSON text of the envelope as the object shows it. */
  envelope: v.string(),
});
export type Memo = v.InferOutput<typeof memoSchema>;

export interface Submission {
  readonly id: string;
  readonly memo: Memo;
  readonly mail: HeldMail;
}

interface AccountRecords {
  readonly submissions: Map<string, Submission>;
  readonly log: Array<{ readonly at: number; readonly id: string; readonly kind: 'created' | 'updated' | 'destroyed' }>;
  counter: number;
  /** Counter before the first entry of the log. */
  logFrom: number;
}

export interface SubmissionChanges {
  readonly created: readonly string[];
  readonly updated: readonly string[];
  readonly destroyed: readonly string[];
}

export class Submissions {
  readonly #accounts = new Map<string, AccountRecords>();
  /** A state of another process says nothing about this one. */
  readonly #run = randomBytes(6).toString('hex');
  readonly #stop: () => void;
  #remembered = 0;

  constructor(spool: HeldMailSpool) {
    for (const mail of spool.all()) this.#heard(mail);
    this.#stop = spool.watch((mail) => this.#heard(mail));
  }

  close(): void {
    this.#stop();
  }

  all(account: string): readonly Submission[] {
    return [...(this.#accounts.get(account)?.submissions.values() ?? [])];
  }

  find(account: string, id: string): Submission | null {
    return this.#accounts.get(account)?.submissions.get(id) ?? null;
  }

  state(account: string): string {
    return `${this.#run}-${this.#accounts.get(account)?.counter ?? 0}`;
  }

  /** Null: not one of the states that can be told from. */
  since(account: string, state: string): SubmissionChanges | null {
    const [run, counter = ''] = state.split('-');
    const records = this.#accounts.get(account);
    const from = Number(counter);
    if (run !== this.#run || !/^\d{1,15}$/.test(counter) || from > (records?.counter ?? 0)) return null;
    if (records !== undefined && from < records.logFrom) return null;
    const kinds = new Map<string, 'created' | 'updated' | 'destroyed' | 'never'>();
    for (const { at, id, kind } of records?.log ?? []) {
      if (at <= from) continue;
      const before = kinds.get(id);
      if (before === undefined) kinds.set(id, kind);
      else if (kind === 'destroyed') kinds.set(id, before === 'created' ? 'never' : 'destroyed');
    }
    const of = (kind: string): string[] => [...kinds].filter(([, one]) => one === kind).map(([id]) => id);
    return { created: of('created'), updated: of('updated'), destroyed: of('destroyed') };
  }

  /** The record goes; the message goes on. */
  forget(account: string, id: string): void {
    const records = this.#accounts.get(account);
    if (records?.submissions.delete(id) !== true) return;
    this.#remembered -= 1;
    note(records, id, 'destroyed');
  }

  #heard(mail: HeldMail): void {
    const { id, account, memo } = mail.facts;
    const read = v.safeParse(memoSchema, jsonOf(memo));
    if (!read.success) return;
    const records = this.#accounts.get(account) ?? { submissions: new Map(), log: [], counter: 0, logFrom: 0 };
    this.#accounts.set(account, records);
    const isNew = !records.submissions.has(id);
    // One whose record was destroyed is on its way unseen.
    if (isNew && mail.state !== 'held' && records.log.some((entry) => entry.id === id)) return;
    records.submissions.set(id, { id, memo: read.output, mail });
    if (isNew) this.#remembered += 1;
    note(records, id, isNew ? 'created' : 'updated');
    if (isNew) this.#makeRoom(account, records);
  }

  #makeRoom(account: string, records: AccountRecords): void {
    const isOver = ({ mail }: Submission): boolean => mail.state === 'final' || mail.state === 'canceled';
    const dropOldest = (of: AccountRecords): boolean => {
      const oldest = [...of.submissions.values()].find(isOver);
      if (oldest === undefined) return false;
      of.submissions.delete(oldest.id);
      this.#remembered -= 1;
      note(of, oldest.id, 'destroyed');
      return true;
    };
    if (records.submissions.size > REMEMBERED_PER_ACCOUNT) dropOldest(records);
    for (const [other, one] of this.#accounts) {
      if (other === account) continue;
      while (this.#remembered > REMEMBERED) if (!dropOldest(one)) break;
    }
  }
}

function note(records: AccountRecords, id: string, kind: 'created' | 'updated' | 'destroyed'): void {
  records.counter += 1;
  records.log.push({ at: records.counter, id, kind });
  if (records.log.length > LOGGED_PER_ACCOUNT) {
    const gone = records.log.splice(0, LOGGED_PER_ACCOUNT / 2);
    records.logFrom = gone.at(-1)?.at ?? records.logFrom;
  }
}

const utc = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

/** RFC 8621 §7: `pending` as long as nobody can have it. */
export const undoStatusOf = ({ mail }: Submission): 'pending' | 'canceled' | 'final' =>
  mail.state === 'held' ? 'pending' : mail.state === 'canceled' ? 'canceled' : 'final';

export function submissionObject(submission: Submission): JsonObject {
  const { id, memo, mail } = submission;
  const undoStatus = undoStatusOf(submission);
  return {
    id,
    identityId: memo.identityId,
    emailId: memo.emailId,
    threadId: memo.threadId,
    envelope: jsonOf(memo.envelope),
    sendAt: utc(mail.facts.releaseAt),
    undoStatus,
    deliveryStatus: undoStatus === 'final' ? deliveryStatus(mail) : null,
    dsnBlobIds: [],
    mdnBlobIds: [],
  };
}

const deliveryStatus = ({ facts, done }: HeldMail): JsonObject =>
  Object.fromEntries(
    facts.recipients.map((address) => {
      const outcome = done[address];
      return [
        address,
        {
          smtpReply: outcome?.reply ?? '451 4.4.1 the mailbox could not be reached yet, it is tried again',
          delivered: outcome === undefined ? 'queued' : outcome.delivered ? 'yes' : 'no',
          displayed: 'unknown',
        },
      ];
    }),
  );

function jsonOf(text: string): Json {
  try {
    const json: Json = JSON.parse(text);
    return json;
  } catch {
    return null;
  }
}
