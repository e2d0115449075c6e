/**
 * JMAP on the mailboxes of another server, asked over its back-end HTTPS port. Octets go through at the pace of the
 * slower side. What that server has perhaps done before the connection was lost is not asked of another one.
 */
import { Buffer } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import * as v from 'valibot';
import { AnswerLost, PeerClient } from '../../../backend/http/client.ts';
import type { Directory } from '../../../directory/api.ts';
import type { Server } from '../../../directory/model.ts';
import { OutcomeUnknown } from '../../../frontend/places.ts';
import { Failure } from '../../../observe/failure.ts';
import type { ServerIdentity } from '../../../tls/server-identity.ts';
import type {
  ApiCall,
  Download,
  DownloadCall,
  FollowCall,
  Following,
  JmapBackEnd,
  Uploaded,
  UploadCall,
} from '../http/back-end.ts';
import type { Caller } from '../http/caller.ts';
import { RangeRefused } from '../http/ranges.ts';
import { CALLER_FIELD, writeCallerFacts } from './caller-facts.ts';
import { PREFIX, STATE_FIELD } from './peer-handler.ts';
import { RemoteChanges } from './remote-changes.ts';

/** Connecting, proving who one is, opening the mailbox: then another back end is asked. */
const LEAVE_MS = 5_000;
/** A search through a large mailbox takes its time. */
const ANSWER_MS = 120_000;
/** A server that was not reached is asked last for so long. */
const DOWN_MS = 5_000;
const ANSWER_BYTES = 4096;

const uploadedSchema = v.object({ blobId: v.string(), size: v.number() });
const blobSchema = v.union([
  v.object({
    size: v.nullable(v.number()),
    range: v.nullable(v.object({ start: v.number(), end: v.number() })),
  }),
  v.object({ behind: v.number() }),
]);

export class RemoteBackEnd implements JmapBackEnd {
  readonly #client: PeerClient;
  readonly #changes: RemoteChanges;
  #downUntil = 0;

  constructor(directory: Pick<Directory, 'clientAccessServer'>, identity: ServerIdentity, server: Server) {
    this.#client = new PeerClient(directory, identity, server);
    this.#changes = new RemoteChanges(this.#client, `${PREFIX}follow`);
  }

  get isDown(): boolean {
    return performance.now() < this.#downUntil;
  }

  close(): void {
    this.#changes.close();
    this.#client.close();
  }

  async api({ caller, owner, text, sessionState, signal }: ApiCall): Promise<AsyncIterable<Buffer>> {
    if (owner === null) throw new Error('a request about no mailbox is for no other server');
    const answer = await this.#asked({
      method: 'POST',
      path: pathOf('api', { owner: owner.id }),
      headers: { ...callerField(caller), [STATE_FIELD]: sessionState },
      body: once(text),
      signal,
    });
    return piecesOf(answer);
  }

  async upload({ caller, owner, type, body, signal }: UploadCall): Promise<Uploaded> {
    const answer = await this.#asked({
      method: 'POST',
      path: pathOf('upload', { owner: owner.id, type }),
      headers: callerField(caller),
      body,
      signal,
    });
    const chunks: Buffer[] = [];
    let octets = 0;
    for await (const chunk of piecesOf(answer)) {
      octets += chunk.length;
      if (octets > ANSWER_BYTES) throw new Failure('UNAVAILABLE', 'Another server answered what was not asked.');
      chunks.push(chunk);
    }
    return v.parse(uploadedSchema, JSON.parse(Buffer.concat(chunks).toString('utf8')));
  }

  async download({ caller, owner, blobId, range, wantsBody, signal }: DownloadCall): Promise<Download | null> {
    const query = {
      owner: owner.id,
      blob: blobId,
      body: wantsBody ? 'yes' : 'no',
      ...(range === null ? {} : { start: String(range.start) }),
      ...(range === null || range.end === null ? {} : { end: String(range.end) }),
    };
    let answer: IncomingMessage;
    try {
      answer = await this.#asked({
        method: 'GET',
        path: pathOf('download', query),
        headers: callerField(caller),
        body: null,
        signal,
      });
    } catch (error) {
      if (error instanceof Failure && error.code === 'NONEXISTENT') return null;
      throw error;
    }
    const field = answer.headers['x-penfold-blob'];
    const blob = v.parse(blobSchema, JSON.parse(typeof field === 'string' ? field : '{}'));
    if ('behind' in blob) {
      answer.resume();
      throw new RangeRefused(blob.behind);
    }
    return {
      ...blob,
      bytes: piecesOf(answer),
      close: () => {
        if (!answer.complete) answer.destroy();
      },
    };
  }

  async follow(call: FollowCall): Promise<Following> {
    try {
      return await this.#changes.follow(call);
    } catch (error) {
      this.#noteDown(error);
      throw error;
    }
  }

  async #asked(request: Omit<Parameters<PeerClient['stream']>[0], 'leaveMs' | 'answerMs'>): Promise<IncomingMessage> {
    try {
      return await this.#client.stream({ ...request, leaveMs: LEAVE_MS, answerMs: ANSWER_MS });
    } catch (error) {
      if (error instanceof AnswerLost)
        throw new OutcomeUnknown('The server of this mailbox was lost before it answered; look whether it was done.', {
          cause: error,
        });
      this.#noteDown(error);
      throw error;
    }
  }

  /** One that answers that it is not the one is not down. */
  #noteDown(error: unknown): void {
    const isAway = error instanceof Failure && error.code === 'UNAVAILABLE' && error.constructor === Failure;
    if (isAway) this.#downUntil = performance.now() + DOWN_MS;
  }
}

const pathOf = (verb: string, query: Readonly<Record<string, string>>): string =>
  `${PREFIX}${verb}?${new URLSearchParams(query).toString()}`;

const callerField = (caller: Caller): Readonly<Record<string, string>> => ({
  [CALLER_FIELD]: writeCallerFacts(caller),
});

/** @throws Failure UNAVAILABLE when it breaks off */
async function* piecesOf(answer: IncomingMessage): AsyncIterable<Buffer> {
  try {
    for await (const chunk of answer) yield Buffer.from(chunk);
  } catch (cause) {
    throw new Failure('UNAVAILABLE', 'The server of this mailbox broke off its answer.', { cause });
  }
  if (!answer.complete) throw new Failure('UNAVAILABLE', 'The server of this mailbox broke off its answer.');
}

async function* once(bytes: Buffer): AsyncIterable<Buffer> {
  yield bytes;
}
