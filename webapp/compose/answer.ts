/** What an answer takes over from what it answers: recipients, subject, threading (RFC 5322 §3.6.4). Pure. */
import { type Address, keyOf } from './fields/address-list.ts';

export interface Original {
  readonly from: readonly Address[];
  readonly replyTo: readonly Address[];
  readonly to: readonly Address[];
  readonly cc: readonly Address[];
  readonly subject: string;
  /** Without angle brackets, as JMAP gives them. */
  readonly messageId: readonly string[];
  readonly inReplyTo: readonly string[];
  readonly references: readonly string[];
}

/** Ids in References: the first says which thread, the last ones where in it. */
const REFERENCES = 60;

export interface Recipients {
  readonly to: readonly Address[];
  readonly cc: readonly Address[];
}

/** @param own addresses of the person himself: he does not answer himself, unless he has written to nobody else. */
export function recipientsOf(original: Original, own: ReadonlySet<string>, all: boolean): Recipients {
  const isOwn = (address: Address): boolean => own.has(keyOf(address));
  const author = original.replyTo.length > 0 ? original.replyTo : original.from;
  // An answer to what one has sent goes on to those one has sent it to.
  const isContinued = original.from.some(isOwn) && original.to.some((address) => !isOwn(address));
  const to = isContinued ? original.to : [...author, ...(all ? original.to : [])];
  const first = distinct(to.filter((address) => !isOwn(address)));
  const answered = first.length > 0 ? first : distinct(author);
  const taken = new Set(answered.map(keyOf));
  const cc = all ? original.cc.filter((address) => !isOwn(address) && !taken.has(keyOf(address))) : [];
  return { to: answered, cc: distinct(cc) };
}

export function distinct(addresses: readonly Address[]): readonly Address[] {
  const seen = new Set<string>();
  return addresses.filter((address) => {
    const key = keyOf(address);
    if (key === '' || seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** As mail programs of many languages write them; each stands for the same. */
const REPLY = /^\s*(?:re|aw|sv|vs|antw|odp|ref|res|r|ynt|回复|答复)(?:\[\d+\])?\s*[:：]\s*/iu;
const FORWARD = /^\s*(?:fw|fwd|wg|tr|enc|rv|i|vl|doorst|转发)(?:\[\d+\])?\s*[:：]\s*/iu;

export function replySubject(subject: string): string {
  let bare = subject;
  while (REPLY.test(bare)) bare = bare.replace(REPLY, '');
  return `Re: ${bare.trim()}`.trim();
}

export function forwardSubject(subject: string): string {
  return FORWARD.test(subject) ? subject.trim() : `Fw: ${subject.trim()}`.trim();
}

export interface Threading {
  readonly inReplyTo: readonly string[];
  readonly references: readonly string[];
}

export function threadingOf(original: Original): Threading {
  const [id] = original.messageId;
  if (id === undefined) return { inReplyTo: [], references: [] };
  // §3.6.4: In-Reply-To stands in only when it names one message.
  const before =
    original.references.length > 0 ? original.references : original.inReplyTo.length === 1 ? original.inReplyTo : [];
  const all = [...new Set([...before.filter((one) => one !== id), id])];
  const references = all.length <= REFERENCES ? all : [...all.slice(0, 1), ...all.slice(1 - REFERENCES)];
  return { inReplyTo: [id], references };
}
