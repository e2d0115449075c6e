/**
 * The clients of the server that gets killed: some deliver by SMTP, some APPEND by IMAP, each one message after the
 * other, and note what the server has acknowledged the moment it says so.
 */
import { Buffer } from 'node:buffer';
import { connect } from 'node:net';
import { type DemoServer, imapLogon } from '../support/demo-server.ts';
import { connected } from '../support/dialogue.ts';
import { SmtpClient } from '../dialogues/smtp/client.ts';
import { crashMessage } from './messages.ts';

/** What the clients know; names say who sent it and how: `s3-17` by SMTP, `i2-5` by IMAP. */
export class Ledger {
  /** Acknowledged, with the address of the mailbox. */
  readonly acknowledged = new Map<string, string>();
  readonly flagged = new Set<string>();
  /** Sent, whatever came of it. */
  readonly sent = new Map<string, string>();
  readonly #limit: number;
  #wake: (() => void) | null = null;
  #at = Number.POSITIVE_INFINITY;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get isFull(): boolean {
    return this.sent.size >= this.#limit;
  }

  begin(name: string, address: string): void {
    this.sent.set(name, address);
  }

  acknowledge(name: string, address: string): void {
    this.acknowledged.set(name, address);
    if (this.acknowledged.size >= this.#at) this.#wake?.();
  }

  /** Resolves at the acknowledgement that makes it `count` in all. */
  reaches(count: number): Promise<void> {
    this.#at = count;
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

/** Every third message of IMAP clients comes with \Flagged. */
export const isFlagged = (name: string): boolean => name.startsWith('i') && Number(name.split('-')[1]) % 3 === 0;

/** Delivers until the ledger is full or the server is gone; a broken connection is the end, not an error. */
export async function deliver(target: DemoServer, run: string, client: number, ledger: Ledger): Promise<void> {
  const address = target.mailboxes[client % target.mailboxes.length]?.address ?? '';
  const smtp = await SmtpClient.greeted(await connected(connect(target.smtp)));
  await untilGone(async () => {
    for (let i = 0; !ledger.isFull; i += 1) {
      const name = `s${run}.${client}-${i}`;
      ledger.begin(name, address);
      const reply = await smtp.transfer('crash@elsewhere.example', [address], crashMessage(name));
      if (!reply.startsWith('250')) throw new Error(`delivery of ${name}: ${reply}`);
      ledger.acknowledge(name, address);
    }
  });
  smtp.hangUp();
}

export async function append(target: DemoServer, run: string, client: number, ledger: Ledger): Promise<void> {
  const address = target.mailboxes[client % target.mailboxes.length]?.address ?? '';
  const imap = await imapLogon(target, client);
  await untilGone(async () => {
    for (let i = 0; !ledger.isFull; i += 1) {
      const name = `i${run}.${client}-${i}`;
      ledger.begin(name, address);
      const flags = isFlagged(name) ? ' (\\Flagged)' : '';
      const { status } = await imap.command(`APPEND INBOX${flags}`, Buffer.from(crashMessage(name)));
      if (!status.startsWith('OK')) throw new Error(`APPEND of ${name}: ${status}`);
      ledger.acknowledge(name, address);
    }
  });
  imap.hangUp();
}

async function untilGone(act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!/closed|ECONNRESET|EPIPE|ended/.test(String(error))) throw error;
  }
}
