/** The seam between a mailbox database and its engine: opening, standings, removal. One open mailbox is storage.ts. */
import type { Failure } from '../../observe/failure.ts';
import type { MailboxId } from '../model.ts';
import type { Standing } from '../moving.ts';
import type { Spool } from './staging.ts';
import type { OpenedMailbox } from './storage.ts';

/** What an engine may ask of the store above it. */
export interface EngineHost {
  /** Closes the mailbox when nobody has it open; false: somebody has. */
  letGo(mailbox: MailboxId): Promise<boolean>;
  /** Another process owns the mailbox now, or nobody can tell what is stored. */
  lose(mailbox: MailboxId, reason: Failure): void;
}

export interface Engine {
  /** Closing a mailbox would lose it: it stays open until the database is closed. */
  readonly keepsOpen: boolean;
  /** Null when there is no such mailbox and `create` is false. */
  open(mailbox: MailboxId, create: boolean): Promise<OpenedMailbox | null>;
  mailboxes(): Promise<MailboxId[]>;
  /** @throws Failure NONEXISTENT */
  remove(mailbox: MailboxId): Promise<void>;
  /** What a move has written beside the mailbox; null: nothing, or there is no such mailbox. */
  standing(mailbox: MailboxId): Promise<Standing | null>;
  /** Durable when it resolves. A mailbox that is not there is made, empty, with the standing from the beginning. */
  setStanding(mailbox: MailboxId, standing: Standing | null): Promise<void>;
  createSpool(): Promise<Spool>;
  /** Once, before the first mailbox is opened. */
  attach(host: EngineHost): void;
  close(): Promise<void>;
}
