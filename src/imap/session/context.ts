/**
 * What a command handler sees of its session, and how it says what became of the command. Handlers write untagged
 * answers to `out` and return the tagged one; the session writes that, with whatever the view has to tell before it.
 */
import type { Connection } from '../../wire/connection.ts';
import type { ByteWriter } from '../../wire/byte-writer.ts';
import type { Log } from '../../observe/log.ts';
import type { Mailbox, MessageSink, StageOptions } from '../../store/api.ts';
import type { FolderId, MailboxId } from '../../store/model.ts';
import type { CommandReader } from '../reader.ts';
import type { SelectedView } from './selected-view.ts';

/** Settings that may change while a session runs: asked for whenever they are needed (design.md §7). */
export interface SessionSettings {
  /** Seconds of silence before BYE, 30–3,600 (AuthenticatedConnectionTimeout). */
  readonly authenticatedConnectionTimeout: number;
  /** ShowHiddenFoldersEnabled: folders with the hidden attribute are listed and can be selected. */
  readonly showHiddenFoldersEnabled: boolean;
  /** Octets of the largest message APPEND takes (RFC 7889). */
  readonly maxMessageSize: number;
  /** Octets a mailbox may hold (RFC 9208); Infinity: no limit. */
  storageLimit(mailbox: MailboxId): number;
  /** Octets of one command line without literals, 1,024–16,384 (MaxCommandSize). Read when the session begins. */
  readonly maxCommandSize: number;
}

/** The tagged answer. `code` stands in brackets, without them. */
export interface Completion {
  readonly status: 'OK' | 'NO' | 'BAD';
  readonly code: string | null;
  readonly text: string;
}

export const ok = (text: string, code: string | null = null): Completion => ({ status: 'OK', code, text });
export const no = (text: string, code: string | null = null): Completion => ({ status: 'NO', code, text });
export const bad = (text: string): Completion => ({ status: 'BAD', code: null, text });

/**
 * What becomes of a command. Where nothing has to be waited for there is no promise: commands that read counters come
 * by the thousand. Null: the tagged answer comes later and not from the handler (IDLE).
 */
export type Outcome = Completion | Promise<Completion> | null;

export interface Session {
  readonly id: string;
  readonly mailbox: Mailbox;
  readonly connection: Connection;
  readonly out: ByteWriter;
  readonly reader: CommandReader;
  readonly log: Log;
  readonly settings: SessionSettings;
  /** Tells of messages that were fetched whole and became \\Seen by it. Missing: nobody wants to know. */
  readonly downloaded: ((folder: FolderId, uids: Uint32Array) => Promise<void>) | undefined;
  /** Identity of this session's changes in the change feed. */
  readonly origin: object;
  readonly selected: SelectedView | null;
  /** True once a CONDSTORE enabling command was seen (RFC 7162 §3.1). */
  readonly condstore: boolean;

  stage(options: StageOptions): MessageSink;
  select(view: SelectedView): void;
  /** Leaves the selected folder without expunging; nothing when none is selected. */
  unselect(): void;
  /** RFC 7162 §3.1: MODSEQ from now on. Tells HIGHESTMODSEQ of the selected folder when this is news. */
  enableCondstore(): void;
  /** The client is alive or we are still answering: its time of silence begins anew. */
  touch(): void;
  /** Work the client does not wait for; failures are logged, the end of the session waits for it. */
  background(work: Promise<unknown>, what: string): Promise<void>;
  /** Begins IDLE (RFC 2177); DONE brings the tagged answer. */
  idle(tag: string): null;
}

/** An answer broke off where the client can no longer find its end: nothing may follow but the end of the connection. */
export class AnswerCutShort extends Error {
  override readonly name = 'AnswerCutShort';
}

/** The view of a command that the command table lets run only in selected state. */
export function selectedView(session: Session): SelectedView {
  if (session.selected === null) throw new Error('a command of the selected state ran without a folder');
  return session.selected;
}
