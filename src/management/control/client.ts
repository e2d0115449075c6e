/** The other side of the control door: what `penfold` commands use while a server runs. */
import { Buffer } from 'node:buffer';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { createInterface } from 'node:readline';
import * as v from 'valibot';
import { Failure, type FailureCode } from '../../observe/failure.ts';
import { dataFrames, folderFrame, frame, messageFrame, readItems } from '../transfer/frames.ts';
import { type ImportTarget, type StoredDigest, TargetLost } from '../transfer/import.ts';
import type { ExportItem, FolderRecord, MessageRecord } from '../transfer/record.ts';
import type { HealthEntry } from '../health/entry.ts';
import {
  healthSchema,
  type InstanceStatus,
  type LockOutFacts,
  lockOutSchema,
  type SessionFacts,
  sessionSchema,
  statusSchema,
  type VerifyFacts,
  verifySchema,
} from './api.ts';
import { drained } from './drained.ts';

const failureSchema = v.object({ code: v.string(), text: v.string() });
const digestSchema = v.object({ uid: v.number(), size: v.number(), sha256: v.string() });
const replySchema = v.union([
  v.object({ n: v.number(), uid: v.number() }),
  v.object({ n: v.number(), name: v.string(), uidNext: v.number() }),
  v.object({ n: v.number(), code: v.string(), text: v.string() }),
]);
type Reply = v.InferOutput<typeof replySchema>;

const CODES: readonly FailureCode[] = ['NONEXISTENT', 'UNAVAILABLE', 'INUSE', 'TOOBIG', 'OVERQUOTA', 'LIMIT', 'CANNOT'];

function failure(fault: v.InferOutput<typeof failureSchema>): Failure {
  return new Failure(CODES.find((code) => code === fault.code) ?? 'SERVERBUG', fault.text);
}

export class ControlClient {
  readonly #socket: string;

  constructor(socket: string) {
    this.#socket = socket;
  }

  async status(): Promise<InstanceStatus> {
    return v.parse(statusSchema, await this.#json('GET', '/status'));
  }

  /** How the probes last went. */
  async health(): Promise<readonly HealthEntry[]> {
    return v.parse(v.array(healthSchema), await this.#json('GET', '/health'));
  }

  async sessions(): Promise<readonly SessionFacts[]> {
    return v.parse(v.array(sessionSchema), await this.#json('GET', '/sessions'));
  }

  /** @throws Failure NONEXISTENT */
  async endSession(id: string): Promise<void> {
    await this.#json('DELETE', `/sessions/${encodeURIComponent(id)}`);
  }

  async lockOuts(): Promise<readonly LockOutFacts[]> {
    return v.parse(v.array(lockOutSchema), await this.#json('GET', '/lock-outs'));
  }

  /** How many were lifted. */
  async liftLockOuts(address: string, user: string | null): Promise<number> {
    const answer = await this.#json('DELETE', `/lock-outs?${query(user === null ? { address } : { address, user })}`);
    return v.parse(v.object({ lifted: v.number() }), answer).lifted;
  }

  async verify(mailbox: string): Promise<VerifyFacts> {
    return v.parse(verifySchema, await this.#json('POST', `/verify?${query({ mailbox })}`));
  }

  /** Deletes the stored mail; the account stays. @throws Failure INUSE while somebody is logged on */
  async removeMailbox(mailbox: string): Promise<void> {
    await this.#json('DELETE', `/mailbox?${query({ mailbox })}`);
  }

  async *exportItems(mailbox: string, folder: string | null): AsyncIterable<ExportItem> {
    const response = await this.#open('GET', `/export?${query(folder === null ? { mailbox } : { mailbox, folder })}`);
    for await (const item of readItems(response)) {
      yield item.kind === 'folder'
        ? { kind: 'folder', folder: item.folder }
        : { kind: 'message', message: item.message };
    }
  }

  /** `close` it: the server ends the import when all has been stored. */
  async importInto(mailbox: string): Promise<ImportTarget & { close(): Promise<void> }> {
    const outgoing = this.#request('POST', `/import?${query({ mailbox })}`);
    outgoing.flushHeaders();
    const response = await answered(outgoing);
    return new RemoteImport(outgoing, response, (folder, from) => this.#digests(mailbox, folder, from));
  }

  async *#digests(mailbox: string, folder: string, from: number): AsyncIterable<StoredDigest> {
    const response = await this.#open('GET', `/digests?${query({ mailbox, folder, from: String(from) })}`);
    for await (const line of createInterface({ input: response })) yield v.parse(digestSchema, JSON.parse(line));
  }

  async #json(method: string, path: string): Promise<unknown> {
    const response = await this.#open(method, path);
    return JSON.parse(await text(response));
  }

  async #open(method: string, path: string): Promise<IncomingMessage> {
    const outgoing = this.#request(method, path);
    outgoing.end();
    return answered(outgoing);
  }

  #request(method: string, path: string): ClientRequest {
    return request({ socketPath: this.#socket, method, path, agent: false });
  }
}

function query(fields: Record<string, string>): string {
  return new URLSearchParams(fields).toString();
}

async function text(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}

async function answered(outgoing: ClientRequest): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  outgoing.once('response', resolve);
  outgoing.once('error', reject);
  const response = await promise;
  if (response.statusCode === 200) return response;
  const fault = v.safeParse(failureSchema, JSON.parse(await text(response)));
  throw fault.success
    ? failure(fault.output)
    : new Failure('UNAVAILABLE', 'the server gave an answer that makes no sense');
}

class RemoteImport implements ImportTarget {
  readonly #outgoing: ClientRequest;
  readonly #waiting = new Map<number, { resolve: (reply: Reply) => void; reject: (error: Error) => void }>();
  readonly #ended: Promise<void>;
  readonly digests: ImportTarget['digests'];
  #lost: TargetLost | null = null;
  #last = 0;

  constructor(outgoing: ClientRequest, response: IncomingMessage, digests: ImportTarget['digests']) {
    this.#outgoing = outgoing;
    this.digests = digests;
    this.#ended = this.#listen(response);
    outgoing.on('error', (error) => this.#fail(error.message));
  }

  async folder(folder: FolderRecord): Promise<{ name: string; uidNext: number }> {
    this.#last += 1;
    const reply = this.#reply(this.#last);
    await this.#send(folderFrame(this.#last, folder));
    const answer = await reply;
    if (!('name' in answer)) throw new TargetLost('the server answered out of turn');
    return { name: answer.name, uidNext: answer.uidNext };
  }

  async append(folder: string, message: MessageRecord): Promise<{ stored: Promise<number> }> {
    this.#last += 1;
    const stored = this.#reply(this.#last).then((answer) => {
      if (!('uid' in answer)) throw new TargetLost('the server answered out of turn');
      return answer.uid;
    });
    stored.catch(() => {});
    await this.#send(messageFrame(this.#last, { ...message, folder }));
    try {
      for await (const chunk of message.chunks()) await this.#send(dataFrames(chunk));
    } catch (error) {
      // The server gives the message up and answers so.
      await this.#send(frame('broken', Buffer.from(error instanceof Error ? error.message : String(error))));
      return { stored };
    }
    await this.#send(frame('end', Buffer.alloc(0)));
    return { stored };
  }

  async close(): Promise<void> {
    this.#outgoing.end();
    await this.#ended;
  }

  #throwIfLost(): void {
    if (this.#lost !== null) throw this.#lost;
  }

  async #send(buffers: Iterable<Buffer>): Promise<void> {
    this.#throwIfLost();
    let room = true;
    for (const buffer of buffers) room = this.#outgoing.write(buffer);
    if (room) return;
    await drained(this.#outgoing);
    this.#throwIfLost();
  }

  #reply(n: number): Promise<Reply> {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    this.#waiting.set(n, { resolve, reject });
    if (this.#lost !== null) reject(this.#lost);
    return promise;
  }

  async #listen(response: IncomingMessage): Promise<void> {
    try {
      for await (const line of createInterface({ input: response })) {
        const reply = v.parse(replySchema, JSON.parse(line));
        const waiting = this.#waiting.get(reply.n);
        this.#waiting.delete(reply.n);
        if ('code' in reply) waiting?.reject(failure(reply));
        else waiting?.resolve(reply);
      }
      if (this.#waiting.size > 0) this.#fail('it ended the import');
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : String(error));
    }
  }

  #fail(text: string): void {
    this.#lost ??= new TargetLost(
      `the server has gone away (${text}); start the same import again, it goes on from here`,
    );
    for (const waiting of this.#waiting.values()) waiting.reject(this.#lost);
    this.#waiting.clear();
  }
}
