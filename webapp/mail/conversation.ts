/** What a row of the list says of a message or of a whole conversation. Pure. */
import type { Address, Email } from './methods.ts';

export const isUnread = (email: Email): boolean => email.keywords['$seen'] !== true;
export const isFlagged = (email: Email): boolean => email.keywords['$flagged'] === true;
export const isDraft = (email: Email): boolean => email.keywords['$draft'] === true;
export const isAnswered = (email: Email): boolean => email.keywords['$answered'] === true;
export const isForwarded = (email: Email): boolean => email.keywords['$forwarded'] === true;

export const liesIn = (email: Email, mailboxId: string): boolean => email.mailboxIds[mailboxId] === true;

/** The name if there is one that says something; else the address. */
export const nameOf = ({ name, email }: Address): string => (name === null || name.trim() === '' ? email : name.trim());

/** "Ana" of "Ana García", "García" of "García, Ana" stays whole: only what reads as given name first is cut. */
function shortName(address: Address): string {
  const name = nameOf(address);
  if (name.includes('@')) return name.slice(0, name.indexOf('@'));
  return name.includes(',') ? name : (name.split(/\s+/u)[0] ?? name);
}

export interface Person {
  readonly name: string;
  readonly isUnread: boolean;
}

export interface Conversation {
  /** Newest message here. */
  readonly latest: Email;
  /** All that belong to it, oldest first; those in the folder shown are among them. */
  readonly emails: readonly Email[];
  /** Messages of the conversation, also those not loaded yet. */
  readonly count: number;
}

/** Whose names stand in the row: writers oldest first, each once; in Sent and Drafts those it went to. */
export function peopleOf({ latest, emails }: Conversation, showsRecipients: boolean): readonly Person[] {
  const people = new Map<string, { address: Address; isUnread: boolean }>();
  for (const email of emails.length === 0 ? [latest] : emails) {
    for (const address of (showsRecipients ? email.to : email.from) ?? []) {
      const key = address.email.toLowerCase();
      const known = people.get(key);
      if (known === undefined) people.set(key, { address, isUnread: isUnread(email) });
      else known.isUnread ||= isUnread(email);
    }
  }
  const all = [...people.values()];
  return all.map((person) => ({
    name: all.length === 1 ? nameOf(person.address) : shortName(person.address),
    isUnread: person.isUnread,
  }));
}

export interface RowFacts {
  readonly isUnread: boolean;
  readonly isFlagged: boolean;
  readonly isAnswered: boolean;
  readonly isForwarded: boolean;
  readonly hasAttachment: boolean;
  readonly hasDraft: boolean;
}

export function factsOf({ latest, emails }: Conversation): RowFacts {
  const all = emails.length === 0 ? [latest] : emails;
  return {
    isUnread: all.some(isUnread),
    isFlagged: all.some(isFlagged),
    isAnswered: isAnswered(latest),
    isForwarded: isForwarded(latest),
    hasAttachment: all.some((email) => email.hasAttachment),
    hasDraft: all.some(isDraft),
  };
}

const PREFIX = /^(?:\s*(?:re|fwd?|aw|wg|rv|res|sv|antw|tr|enc)\s*(?:\[\d+\])?:)+\s*/iu;
/** A conversation's subject: without what programs put in front when answering. */
export const bareSubject = (subject: string): string => subject.replace(PREFIX, '').trim();
