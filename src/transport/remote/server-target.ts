/**
 * One message on its way to another server by LMTP (RFC 2033): the recipients are named and answered before the message
 * is sent, the message goes in exact bytes, each recipient has its own answer at the end. XSETTLE then tells the other
 * side whether the message will come again, so that it knows a retry when it sees one (retry-memory.ts).
 */
import type { Buffer } from 'node:buffer';
import type { Server } from '../../directory/model.ts';
import { Failure } from '../../observe/failure.ts';
import { RemoteRefusal, RemoteTrouble } from '../../smtp/client/failure.ts';
import { beginTransaction, isTaken, type SmtpTransaction } from '../../smtp/client/transaction.ts';
import { mailAddress } from '../../smtp/grammar/address.ts';
import { ownerOf } from '../../smtp/grammar/owner.ts';
import type { Reply } from '../../smtp/grammar/reply.ts';
import { OwnedElsewhere } from '../../store/api.ts';
import type { DeliveryReport, Envelope, Recipient } from '../api.ts';
import type { Target } from '../target.ts';
import type { Link, ServerLinks } from './links.ts';

export interface ServerTargetOptions {
  readonly links: ServerLinks;
  readonly server: Server;
  readonly recipients: readonly Recipient[];
  readonly envelope: Envelope;
  /** The XFORWARD command. */
  readonly forward: string;
}

export interface OpenedTarget {
  /** Null: nobody was taken. */
  readonly target: ServerTarget | null;
  readonly refused: ReadonlyMap<Recipient, Failure>;
}

/** @throws Failure UNAVAILABLE naming the server */
export async function openServerTarget(options: ServerTargetOptions): Promise<OpenedTarget> {
  const { server, recipients } = options;
  const { link, transaction } = await begin(options);
  const refused = new Map<Recipient, Failure>();
  const taken: Recipient[] = [];
  for (const [index, recipient] of recipients.entries()) {
    const answer = transaction.recipients[index];
    if (answer === undefined) throw new Error('a recipient without an answer');
    if (isTaken(answer)) taken.push(recipient);
    else refused.set(recipient, refusalOf(answer));
  }
  if (taken.length > 0) return { target: new ServerTarget(link, transaction, server, taken), refused };
  await transaction.abort();
  link.release();
  return { target: null, refused };
}

async function begin(options: ServerTargetOptions): Promise<{ link: Link; transaction: SmtpTransaction }> {
  const { links, server, recipients, envelope, forward } = options;
  const { reversePath, dsn } = envelope;
  for (let fresh = false; ; fresh = true) {
    const link = await links.take(server, { fresh });
    try {
      const transaction = await beginTransaction(link.client, {
        preamble: [forward],
        reversePath,
        ...(dsn === undefined ? {} : { dsn }),
        recipients: recipients.map(({ address, account, dsn: wanted }) => ({
          address: pathOf(address),
          parameters: ` XACCOUNT=${account.id}`,
          ...(wanted === undefined ? {} : { dsn: wanted }),
        })),
      });
      return { link, transaction };
    } catch (error) {
      if (error instanceof RemoteTrouble && !link.reused) link.fail(error);
      else {
        link.client.destroy();
        link.release();
      }
      // A connection that lay idle may have been given up by the other side: nothing of the message is there yet.
      if (error instanceof RemoteTrouble && link.reused) continue;
      throw troubleWith(server, error);
    }
  }
}

export class ServerTarget implements Target {
  readonly #link: Link;
  readonly #transaction: SmtpTransaction;
  readonly #server: Server;
  readonly #recipients: readonly Recipient[];
  /** The rest of the message is not sent: the others get theirs. */
  #failure: Failure | null = null;
  #answered = false;

  constructor(link: Link, transaction: SmtpTransaction, server: Server, recipients: readonly Recipient[]) {
    this.#link = link;
    this.#transaction = transaction;
    this.#server = server;
    this.#recipients = recipients;
  }

  write(chunk: Buffer): Promise<void> | void {
    if (this.#failure !== null) return;
    try {
      return this.#transaction.write(chunk)?.catch((error: unknown) => this.#break(error));
    } catch (error) {
      this.#break(error);
    }
  }

  async finish(): Promise<DeliveryReport> {
    const delivered: Recipient[] = [];
    const failed: Array<{ recipient: Recipient; failure: Failure }> = [];
    const outcomes = this.#failure === null ? await this.#transaction.finish() : [];
    this.#answered = outcomes.every((outcome) => !(outcome instanceof RemoteTrouble));
    for (const [index, recipient] of this.#recipients.entries()) {
      const outcome = outcomes[index];
      if (outcome === undefined || outcome instanceof RemoteTrouble) {
        failed.push({ recipient, failure: this.#failure ?? troubleWith(this.#server, outcome) });
      } else if (outcome.code === 250) delivered.push(recipient);
      else failed.push({ recipient, failure: refusalOf(outcome) });
    }
    return { delivered, failed };
  }

  async abort(): Promise<void> {
    await this.#transaction.abort();
    this.#link.release();
  }

  settle(retried: boolean): void {
    const { client } = this.#link;
    if (!this.#answered || !client.isUsable) {
      // Closed without a word: the other side takes the message for one that comes again.
      client.destroy();
      this.#link.release();
      return;
    }
    void client
      .command(`XSETTLE ${retried ? 'RETRIED' : 'DONE'}`, client.timeouts.command)
      .catch(() => client.destroy())
      .finally(() => this.#link.release());
  }

  #break(error: unknown): void {
    this.#failure = error instanceof RemoteRefusal ? error : troubleWith(this.#server, error);
    this.#link.client.destroy();
  }
}

/** The words are for the client: they name the server, and no address of it. */
function troubleWith(server: Server, error: unknown): Failure {
  if (error instanceof Failure && !(error instanceof RemoteTrouble)) return error;
  return new RemoteTrouble(`the server ${server.name}, which has the mailbox, cannot be reached now`, { cause: error });
}

function refusalOf(reply: Reply): Failure {
  const owner = ownerOf(reply);
  return owner === null ? new RemoteRefusal(reply) : new OwnedElsewhere(owner);
}

/** Recipients keep their local part without quotes. */
function pathOf(address: string): string {
  const at = address.lastIndexOf('@');
  return mailAddress(address.slice(0, at), address.slice(at + 1)).text;
}
