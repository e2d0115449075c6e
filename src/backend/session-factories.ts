/** The protocol sessions this back end runs: what each of them needs, out of what the back end has. */
import { createImapSession } from '../imap/session/session.ts';
import type { ClientAccessSettings } from '../directory/model.ts';
import type { Log } from '../observe/log.ts';
import { createPop3Session } from '../pop3/session.ts';
import type { Mailbox, MailboxDatabase } from '../store/api.ts';
import type { ReadReceipts } from '../transport/read-receipts.ts';
import type { BackendSession, HandOver } from './link.ts';
import type { LiveSettings } from './live-settings.ts';
import { RenderedMailboxes } from './rendering/rendered-mailbox.ts';

export interface SessionStart {
  readonly handOver: HandOver;
  /** The session closes it at its end, also when it is cancelled; not when the factory throws. */
  readonly mailbox: Mailbox;
  readonly database: MailboxDatabase;
  /** Of the mailbox, as they were at logon. */
  readonly access: ClientAccessSettings;
  /** Null: none are sent. */
  readonly receipts: ReadReceipts | null;
  /** Aborted when the session has to end. */
  readonly stop: AbortSignal;
  readonly log: Log;
}

export type SessionFactory = (start: SessionStart) => Promise<BackendSession> | BackendSession;

export type SessionFactories = Readonly<Record<HandOver['protocol'], SessionFactory>>;

export const sessionFactories = (
  settings: LiveSettings,
  rendered: RenderedMailboxes = new RenderedMailboxes(),
): SessionFactories => ({
  imap: ({ handOver, mailbox: original, database, access, stop, log }) => {
    const mailbox = rendered.of(original, settings.renderingWish('imap', access), log);
    return createImapSession({
      handOver: { session: handOver.session, stop },
      mailbox,
      stage: (options) => database.stage(options),
      log,
      settings: () => ({
        authenticatedConnectionTimeout: settings.imap.authenticatedConnectionTimeout,
        showHiddenFoldersEnabled: settings.imap.showHiddenFoldersEnabled,
        maxCommandSize: settings.imap.maxCommandSize,
        maxMessageSize: settings.organization.maxReceiveSize,
      }),
    });
  },
  pop3: ({ handOver, mailbox: original, access, receipts, stop, log }) => {
    const mailbox = rendered.of(original, settings.renderingWish('pop3', access), log);
    const owner = handOver.logon.mailbox;
    const isSuppressed = access.popUseProtocolDefaults
      ? settings.pop3.suppressReadReceipt
      : access.popSuppressReadReceipt;
    const session = createPop3Session({
      handOver,
      mailbox,
      settings: () => settings.pop3,
      log,
      mechanisms: handOver.mechanisms,
      drain: stop,
      keepMessages: access.popKeepMessagesOnServer,
      ...(receipts === null || isSuppressed
        ? {}
        : { downloaded: (view, uid, start) => receipts.downloaded({ mailbox, view, uid, start, owner }) }),
    });
    // Without a session nobody else would close what was put around the mailbox.
    return session.catch((error: unknown) => {
      mailbox.close();
      throw error;
    });
  },
});
