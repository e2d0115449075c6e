/** The protocol sessions this back end runs: what each of them needs, out of what the back end has. */
import type { SessionSettings } from '../imap/session/context.ts';
import { createImapSession } from '../imap/session/session.ts';
import type { ClientAccessSettings } from '../directory/model.ts';
import type { CommandMeter } from '../observe/command-meter.ts';
import type { Log } from '../observe/log.ts';
import { createPop3Session } from '../pop3/session.ts';
import type { Mailbox, MailboxDatabase, MailboxQuota } from '../store/api.ts';
import type { MailboxId } from '../store/model.ts';
import type { ReadReceipts } from '../transport/read-receipts.ts';
import type { Connection } from '../wire/connection.ts';
import type { HandOver } from './link.ts';
import type { LiveSettings } from './live-settings.ts';
import { RenderedMailboxes } from './rendering/rendered-mailbox.ts';

/** What a mailbox may hold now. */
type QuotaOf = (mailbox: MailboxId) => MailboxQuota;

export interface SessionStart {
  readonly handOver: HandOver;
  /** The session closes it at its end, also when it is cancelled; not when the factory throws. */
  readonly mailbox: Mailbox;
  readonly database: MailboxDatabase;
  /** Of the mailbox, as they were at logon. */
  readonly access: ClientAccessSettings;
  /** BCP 47 tag of the owner's language. */
  readonly language: () => Promise<string>;
  /** Null: none are sent. */
  readonly receipts: ReadReceipts | null;
  readonly meter: CommandMeter;
  readonly log: Log;
}

/** Who is told, once, that a session is over. */
export interface SessionHost {
  over(): void;
}

/**
 * BackendSession of link.ts as a protocol fills it: without a promise, and it can be asked to leave. Exactly one of
 * `serve` and `cancel` is called.
 */
export interface EndableSession {
  readonly capabilities: readonly string[];
  serve(connection: Connection, host: SessionHost): void;
  cancel(): void;
  /** The client is told goodbye as soon as its command is answered. At any time, also before `serve`; idempotent. */
  end(): void;
}

export type SessionFactory = (start: SessionStart) => Promise<EndableSession> | EndableSession;

export type SessionFactories = Readonly<Record<HandOver['protocol'], SessionFactory>>;

export function sessionFactories(
  settings: LiveSettings,
  quotaOf: QuotaOf = () => ({ prohibitSendReceive: Infinity, recoverableItems: Infinity }),
  rendered: RenderedMailboxes = new RenderedMailboxes(),
): SessionFactories {
  const imapSettings = settingsOfImap(settings, quotaOf);
  return {
    imap: ({ handOver, mailbox: original, database, access, receipts, meter, log }) => {
      const mailbox = rendered.of(original, settings.renderingWish('imap', access), log);
      const owner = handOver.logon.mailbox;
      const isSuppressed = access.imapUseProtocolDefaults
        ? settings.imap.suppressReadReceipt
        : access.imapSuppressReadReceipt;
      return createImapSession({
        id: handOver.session,
        mailbox,
        database,
        meter,
        log,
        settings: imapSettings,
        ...(receipts === null || isSuppressed
          ? {}
          : { downloaded: (folder, uids) => receipts.fetched({ mailbox: original, folder, uids, owner }) }),
      });
    },
    pop3: async ({ handOver, mailbox: original, access, language, receipts, meter, log }) => {
      const preferredLanguage = await language();
      const stop = new AbortController();
      const mailbox = rendered.of(original, settings.renderingWish('pop3', access), log);
      const owner = handOver.logon.mailbox;
      const isSuppressed = access.popUseProtocolDefaults
        ? settings.pop3.suppressReadReceipt
        : access.popSuppressReadReceipt;
      const opened = createPop3Session({
        handOver,
        mailbox,
        meter,
        settings: () => settings.pop3,
        log,
        mechanisms: handOver.mechanisms,
        drain: stop.signal,
        keepMessages: access.popKeepMessagesOnServer,
        preferredLanguage,
        ...(receipts === null || isSuppressed
          ? {}
          : { downloaded: (view, uid, start) => receipts.downloaded({ mailbox, view, uid, start, owner }) }),
      });
      // Without a session nobody else would close what was put around the mailbox.
      const session = await opened.catch((error: unknown) => {
        mailbox.close();
        throw error;
      });
      return {
        capabilities: session.capabilities,
        serve: (connection, host) => {
          void session
            .run(connection)
            .catch((error: unknown) => log.error({ err: error }, 'session ended by an error'))
            .finally(() => host.over());
        },
        cancel: () => session.cancel(),
        end: () => stop.abort(),
      };
    },
  };
}

/** One object for all sessions: each asks it whenever it needs a setting. */
function settingsOfImap(settings: LiveSettings, quotaOf: QuotaOf): () => SessionSettings {
  const live: SessionSettings = {
    get authenticatedConnectionTimeout() {
      return settings.imap.authenticatedConnectionTimeout;
    },
    get showHiddenFoldersEnabled() {
      return settings.imap.showHiddenFoldersEnabled;
    },
    get maxCommandSize() {
      return settings.imap.maxCommandSize;
    },
    get maxMessageSize() {
      return settings.organization.maxReceiveSize;
    },
    storageLimit: (mailbox) => quotaOf(mailbox).prohibitSendReceive,
  };
  return () => live;
}
