/** Transport of a running server: delivery here and to other servers, with its quota notices, its tracking log and the SMTP protocol log. */
import path from 'node:path';
import type { LiveQuotas } from '../backend/live-quotas.ts';
import { Calendars } from '../calendar/calendar-folder.ts';
import { DeliveredInvitations } from '../calendar/delivered-invitations.ts';
import type { DataLayout } from '../config/data-directory.ts';
import type { Directory } from '../directory/api.ts';
import { destinationOf } from '../directory/connectors.ts';
import type { Account, Server } from '../directory/model.ts';
import { Placement } from '../directory/placement.ts';
import type { Log } from '../observe/log.ts';
import { SmtpProtocolLog } from '../observe/protocol-log/smtp.ts';
import { connected } from '../smtp/client/dial.ts';
import { SmtpClient } from '../smtp/client/session.ts';
import { SERVER_TIMEOUTS } from '../smtp/client/time-outs.ts';
import type { MailboxDatabase } from '../store/api.ts';
import type { ServerIdentity } from '../tls/server-identity.ts';
import type { MailboxDelivery, Transport } from '../transport/api.ts';
import { createDelivery } from '../transport/deliver.ts';
import { QuotaNotices } from '../transport/quota-notices.ts';
import { RemoteDelivery } from '../transport/remote/delivery.ts';
import { ServerLinks } from '../transport/remote/links.ts';
import { createReadReceipts, type ReadReceipts } from '../transport/read-receipts.ts';
import { TrackingLog } from '../transport/tracking-log.ts';

const MEGABYTE = 1024 ** 2;
/** exchange-behaviour.md §9.7. */
const SMTP_LOG = {
  prefix: 'RECV',
  rollOver: 'Daily',
  perFileQuota: 10 * MEGABYTE,
  maxAge: 30 * 86_400,
  maxDirectorySize: 250 * MEGABYTE,
} as const;

export interface TransportParts {
  readonly directory: Directory;
  readonly server: Server;
  readonly layout: DataLayout;
  readonly databaseOf: (account: Account) => MailboxDatabase;
  readonly quotas: LiveQuotas;
  readonly version: string;
  readonly log: Log;
  /** How it proves itself to other servers; missing: it is alone. */
  readonly identity?: ServerIdentity;
}

export interface OpenTransport {
  readonly transport: Transport & MailboxDelivery;
  readonly readReceipts: ReadReceipts;
  /** Of the mailboxes here; invitations that are delivered come into them. */
  readonly calendars: Calendars;
  readonly tracking: TrackingLog;
  readonly smtpLog: SmtpProtocolLog;
  /** What follows what was delivered before this call is done when it resolves: notices, invitations. */
  settled(): Promise<void>;
  /** Sends what is begun, writes what is logged. */
  close(): Promise<void>;
}

export function openTransport(parts: TransportParts): OpenTransport {
  const { directory, server, layout, databaseOf, quotas, version, log, identity } = parts;
  const trouble = (what: string) => (error: unknown, dropped: number) =>
    log.error({ error: String(error), dropped }, `${what} cannot be written`);
  const tracking = new TrackingLog({
    directory: path.join(layout.root, 'logs', 'message-tracking'),
    serverHostname: server.name,
    version,
    onTrouble: trouble('the message tracking log'),
  });
  const smtpDirectory = path.join(layout.root, 'logs', 'smtp-receive');
  const smtpLog = new SmtpProtocolLog({
    version,
    settings: () => ({ ...SMTP_LOG, directory: smtpDirectory }),
    onTrouble: trouble('the SMTP protocol log'),
  });
  const remote = identity === undefined ? null : openRemoteDelivery(parts, identity);
  const calendars = new Calendars();
  const invitations = new DeliveredInvitations({ calendars, databaseOf, log });
  const transport: Transport & MailboxDelivery = createDelivery({
    directory,
    ...(remote === null ? {} : { remote: remote.delivery }),
    databaseOf,
    log,
    tracking,
    beforeDelivery: (account) => quotas.load(account),
    afterDelivery: (account, used) => notices.afterDelivery(account, used),
    follow: invitations.follow,
    onFull: (account, used) => notices.refused(account, used),
  });
  const notices = new QuotaNotices({
    transport,
    quotasOf: (account) => quotas.of(account),
    serverName: server.fqdn,
    postmaster: async () => {
      const { externalPostmasterAddress } = await directory.organization();
      if (externalPostmasterAddress !== '') return externalPostmasterAddress;
      const domain = (await directory.domains()).find((one) => one.isDefault);
      return `postmaster@${domain?.name ?? server.fqdn}`;
    },
    log,
  });
  return {
    transport,
    readReceipts: createReadReceipts({ directory, server, transport, log }),
    calendars,
    tracking,
    smtpLog,
    settled: async () => {
      await Promise.all([notices.settled(), invitations.settled()]);
    },
    close: async () => {
      await Promise.all([notices.settled(), invitations.settled()]);
      await remote?.close();
      await Promise.all([tracking.flush(), smtpLog.flush()]);
    },
  };
}

/** Mail for mailboxes on other servers: the ways there, and what is known of them. */
function openRemoteDelivery(
  { directory, server, log }: TransportParts,
  identity: ServerIdentity,
): { readonly delivery: RemoteDelivery; close(): Promise<void> } {
  const placement = new Placement(directory);
  const links = new ServerLinks({
    log,
    open: async (other) => {
      const where = await destinationOf(directory, other, 'delivery');
      const connection = await connected(identity.dial(other.id, where), where, SERVER_TIMEOUTS.connect);
      return SmtpClient.open(connection, { protocol: 'lmtp', name: server.fqdn, timeouts: SERVER_TIMEOUTS });
    },
  });
  return {
    delivery: new RemoteDelivery({ server: server.id, placement, links }),
    close: async () => {
      placement.close();
      await links.close();
    },
  };
}
