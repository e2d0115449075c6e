/** What an IMAP session is made of, as the back end hands it over. */
import type { CommandMeter } from '../../observe/command-meter.ts';
import type { Log } from '../../observe/log.ts';
import type { Mailbox, MailboxDatabase } from '../../store/api.ts';
import type { FolderId } from '../../store/model.ts';
import type { SessionSettings } from './context.ts';

export interface ImapSessionOptions {
  /** The session id, for the client's error reports. */
  readonly id: string;
  /** Open handle; closed by the session at its end. */
  readonly mailbox: Mailbox;
  /** The database that holds the mailbox. */
  readonly database: Pick<MailboxDatabase, 'stage'>;
  /** With the session id in its fields. */
  readonly log: Log;
  /** These messages have been fetched whole and became \\Seen by it: read receipts may be due. Must not reject. */
  readonly downloaded?: (folder: FolderId, uids: Uint32Array) => Promise<void>;
  /** Told of every command. */
  readonly meter?: CommandMeter;
  /** Asked again for every command, so that changes of an admin take effect in running sessions. */
  readonly settings: () => SessionSettings;
}

/** Who is told, once, that a session is over. */
export interface Host {
  over(): void;
}
