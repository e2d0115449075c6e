/**
 * Read receipts for downloads (exchange-behaviour.md §5.4 SuppressReadReceipt = $false): decides, remembers with
 * $MDNSent (RFC 3503) and hands the notification to transport. POP3 and IMAP4 sessions call it with what they have
 * sent; it never fails them. The keyword is durable before the receipt leaves, so no message ever gets two.
 */
import { Buffer } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { commonFieldMask, commonFieldsLength } from '../message/fragment.ts';
import {
  asksForReceipt,
  DELIVERY_SLACK,
  HEADER_OCTETS,
  headerOctets,
  MDN_SENT,
  readReceipt,
  receiptFor,
  type ReceiptRequest,
} from '../message/mdn.ts';
import type { Directory } from '../directory/api.ts';
import type { Account, Server } from '../directory/model.ts';
import type { Log } from '../observe/log.ts';
import type { FolderView, Mailbox } from '../store/api.ts';
import { type FolderId, uid as uidOf } from '../store/model.ts';
import type { Transport } from './api.ts';

/** Mask of the one field that asks (message/fragment.ts). */
const ASKING = commonFieldMask(['disposition-notification-to']) ?? 0;

/** A message whose whole text a client has just been sent. */
export interface Download {
  readonly mailbox: Mailbox;
  readonly view: FolderView;
  readonly uid: number;
  /** Its first octets, the whole header if possible. Copied where it has to last. */
  readonly start: Buffer;
  /** Whose mailbox it is: the receipt is sent on his behalf. */
  readonly owner: Account;
}

/** Messages that an IMAP4 client has fetched whole and that became \\Seen by it (RFC 9051 §6.4.5, BODY without PEEK). */
export interface Fetched {
  readonly mailbox: Mailbox;
  readonly folder: FolderId;
  /** Ascending. */
  readonly uids: Uint32Array;
  readonly owner: Account;
}

export interface ReadReceipts {
  /** Null: nothing to do, the usual case. Else resolves when the receipt is sent or will never be. Never rejects. */
  downloaded(download: Download): Promise<void> | null;
  /** The same for many at once, found by what was parsed at delivery. Never rejects. */
  fetched(messages: Fetched): Promise<void>;
}

export interface ReadReceiptOptions {
  readonly directory: Directory;
  readonly server: Server;
  readonly transport: Pick<Transport, 'begin' | 'route'>;
  readonly log: Log;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

export function createReadReceipts(options: ReadReceiptOptions): ReadReceipts {
  const desk = new ReceiptDesk(options);
  return {
    downloaded: (download) => (asksForReceipt(download.start) ? desk.consider(download) : null),
    fetched: (messages) => desk.considerAll(messages),
  };
}

class ReceiptDesk {
  readonly #options: ReadReceiptOptions;

  constructor(options: ReadReceiptOptions) {
    this.#options = options;
  }

  async considerAll({ mailbox, folder, uids, owner }: Fetched): Promise<void> {
    try {
      const asking = await askingForReceipts(mailbox, folder, uids);
      if (asking.length === 0) return;
      // The client may have left the folder by now.
      const view = await mailbox.view(folder);
      try {
        for (const uid of asking) {
          const chunks: Buffer[] = [];
          for await (const chunk of mailbox.read(folder, uid, 0, HEADER_OCTETS)) chunks.push(chunk);
          await this.consider({ mailbox, view, uid, start: Buffer.concat(chunks), owner });
        }
      } finally {
        view.close();
      }
    } catch (error) {
      this.#options.log.error({ error: String(error) }, 'read receipts failed');
    }
  }

  async consider(download: Download): Promise<void> {
    const { log } = this.#options;
    const { mailbox, view, uid, owner } = download;
    try {
      if (isAcknowledged(view, uid)) return;
      const header = Buffer.from(download.start.subarray(0, headerOctets(download.start)));
      const hosts = await this.#hosts();
      const row = view.rowOf(uid);
      if (row < 0) return;
      const decision = receiptFor({
        header,
        internalDate: view.columns.internalDate[row] ?? 0,
        saveDate: view.columns.saveDate[row] ?? 0,
        owner: (owner.mailbox?.addresses ?? []).map((address) => address.toLowerCase()),
        isOwnHost: (name) => hosts.has(name),
      });
      if (!decision.wanted) {
        log.debug({ uid, why: decision.why }, 'no read receipt');
        return;
      }
      const route = await this.#options.transport.route(decision.request.localPart, decision.request.domain);
      if (route.kind !== 'local') {
        log.debug({ uid, route: route.kind }, 'no read receipt: its address cannot be reached');
        return;
      }
      const mark = { op: 'add', flags: 0, keywords: [MDN_SENT] } as const;
      const { changed } = await mailbox.setFlags(view.folder.id, Uint32Array.of(uid), mark);
      // Another session was first.
      if (changed.length === 0) return;
      if (await hasAcknowledgedCopy(download, decision.request.messageId)) {
        log.debug({ uid }, 'no read receipt: a copy of the message has had one');
        return;
      }
      const sent = await this.#send(decision.request, owner, route.recipient);
      if (!sent) await mailbox.setFlags(view.folder.id, Uint32Array.of(uid), { ...mark, op: 'remove' });
      log.info({ uid: uidOf(uid), sent }, 'read receipt');
    } catch (error) {
      log.error({ uid, error: String(error) }, 'a read receipt failed');
    }
  }

  async #send(
    request: ReceiptRequest,
    owner: Account,
    recipient: Parameters<Transport['begin']>[0]['recipients'][number],
  ): Promise<boolean> {
    const { server, transport } = this.#options;
    const at = (this.#options.now ?? Date.now)();
    const id = randomUUID();
    const address = owner.mailbox?.primaryAddress ?? owner.userPrincipalName;
    const bytes = readReceipt({
      request,
      recipient: { displayName: owner.displayName, address },
      reportingHost: server.fqdn,
      id: `${id}@${server.fqdn}`,
      at,
    });
    const date = new Date(at).toUTCString().replace('GMT', '+0000');
    // RFC 8098 §3: the envelope sender is null, so that nothing ever answers it.
    const trace = `Return-Path: <>\r\nReceived: by ${server.fqdn} id ${id};\r\n ${date}\r\n`;
    const message = transport.begin(
      { id, reversePath: '', recipients: [recipient], receivedAt: at },
      Buffer.from(trace),
    );
    try {
      await message.write(bytes);
    } catch (error) {
      await message.abort();
      throw error;
    }
    return (await message.finish()).failed.length === 0;
  }

  /** Names that stand behind `by` in our Received fields. */
  async #hosts(): Promise<ReadonlySet<string>> {
    const { directory } = this.#options;
    const names = new Set<string>();
    for (const server of await directory.servers()) {
      names.add(server.fqdn.toLowerCase());
      for (const { fqdn } of await directory.connectors(server.id)) names.add(fqdn.toLowerCase());
    }
    return names;
  }
}

async function askingForReceipts(mailbox: Mailbox, folder: FolderId, uids: Uint32Array): Promise<readonly number[]> {
  const asking: number[] = [];
  for await (const { first, count, bytes, pieces } of mailbox.fragments(folder, uids, ['details'])) {
    if (pieces.details === null) continue;
    const { offsets, lengths } = pieces.details;
    for (let i = 0; i < count; i += 1) {
      if (lengths[i] === 0 || commonFieldsLength(bytes, offsets[i]!, ASKING) === 0) continue;
      asking.push(uids[first + i]!);
    }
  }
  return asking;
}

function isAcknowledged(view: FolderView, uid: number): boolean {
  const row = view.rowOf(uid);
  return row < 0 || acknowledgedRow(view, view.keywordBit(MDN_SENT), row);
}

function acknowledgedRow({ columns }: FolderView, bit: number, row: number): boolean {
  if (bit < 0) return false;
  const word = bit < 32 ? columns.keywordsLow[row] : columns.keywordsHigh[row];
  return (((word ?? 0) >>> (bit % 32)) & 1) === 1;
}

/**
 * A client has appended a second copy of the message to the folder: it is the same message (RFC 8098 §2.1). Only one
 * that came in so soon passes for a delivered one, so nothing older is looked at.
 */
async function hasAcknowledgedCopy({ mailbox, view, uid }: Download, messageId: string | null): Promise<boolean> {
  const bit = view.keywordBit(MDN_SENT);
  if (messageId === null || bit < 0) return false;
  const { columns } = view;
  const others: number[] = [];
  const saved = columns.saveDate[view.rowOf(uid)] ?? 0;
  for (let row = 0; row < columns.length; row += 1) {
    const other = columns.uid[row]!;
    const isNear = Math.abs(columns.saveDate[row]! - saved) <= DELIVERY_SLACK;
    if (isNear && other !== uid && acknowledgedRow(view, bit, row)) others.push(other);
  }
  if (others.length === 0) return false;
  const sameId = { kind: 'header', name: 'message-id', text: messageId } as const;
  return (await mailbox.search(view.folder.id, Uint32Array.from(others), sameId)).length > 0;
}
