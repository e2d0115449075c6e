/**
 * Requests to the back-end HTTPS port of another server: connections are kept, so that a cut-over costs round trips and
 * no handshakes. The peer has to prove that it is the server that is meant. Problem documents become the Failure they
 * were. Knows no handler.
 */
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { Agent, type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Directory } from '../../directory/api.ts';
import { internalAddress } from '../../directory/internal-address.ts';
import type { Server } from '../../directory/model.ts';
import { Failure, type FailureCode } from '../../observe/failure.ts';
import { OwnedElsewhere } from '../../store/api.ts';
import type { ServerIdentity } from '../../tls/server-identity.ts';

/** Connecting and the head of the answer; then without a byte. */
const ANSWER_MS = 15_000;
const SILENCE_MS = 60_000;
const KEEP_ALIVE_MS = 50_000;
/** A problem document that is longer is none. */
const PROBLEM_BYTES = 64 * 1024;

const CODES: readonly FailureCode[] = [
  'ALREADYEXISTS',
  'CANNOT',
  'CLIENTBUG',
  'CONTACTADMIN',
  'CORRUPTION',
  'INUSE',
  'NONEXISTENT',
  'NOPERM',
  'OVERQUOTA',
  'AUTHORIZATIONFAILED',
  'UNAVAILABLE',
  'LIMIT',
  'TOOBIG',
];

export interface PeerRequest {
  readonly path: string;
  readonly body: Buffer;
  readonly signal?: AbortSignal;
}

/** One whose body waits for the peer's leave: until then the peer has done nothing. */
export interface StreamedRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Null: there is none. Begun to be read with the leave. */
  readonly body: AsyncIterable<Buffer> | null;
  /** For leave, or the head of an answer to a request without a body. */
  readonly leaveMs: number;
  /** For the head of the answer behind the body. */
  readonly answerMs: number;
  readonly signal: AbortSignal;
}

/** The answer could not be had behind the body was sent: the peer may have done what it was asked. */
export class AnswerLost extends Failure {}

export class PeerClient {
  readonly #directory: Pick<Directory, 'clientAccessServer'>;
  readonly #identity: ServerIdentity;
  readonly #server: Server;
  #agent: Agent | null = null;

  constructor(directory: Pick<Directory, 'clientAccessServer'>, identity: ServerIdentity, server: Server) {
    this.#directory = directory;
    this.#identity = identity;
    this.#server = server;
  }

  get server(): Server {
    return this.#server;
  }

  close(): void {
    this.#agent?.destroy();
    this.#agent = null;
  }

  /** The answer's body, to be read to its end. @throws Failure the peer's own, or UNAVAILABLE when it cannot be asked */
  async ask({ path, body, signal }: PeerRequest): Promise<AsyncIterable<Buffer>> {
    const { backEndHttpsPort: port } = await this.#directory.clientAccessServer(this.#server.id);
    this.#agent ??= new PeerAgent(this.#identity, this.#server, port);
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const request = httpRequest(
      {
        agent: this.#agent,
        host: internalAddress(this.#server),
        port,
        path,
        method: 'POST',
        headers: { 'content-type': 'application/octet-stream', 'content-length': body.length },
        ...(signal === undefined ? {} : { signal }),
      },
      resolve,
    );
    const late = setTimeout(() => request.destroy(this.#away('does not answer')), ANSWER_MS);
    request.on('error', reject);
    request.end(body);
    let answer: IncomingMessage;
    try {
      answer = await promise;
    } catch (error) {
      throw this.#failure(error, signal);
    } finally {
      clearTimeout(late);
    }
    answer.setTimeout(SILENCE_MS, () => answer.destroy(this.#away('has fallen silent')));
    if (answer.statusCode === 200) return this.#body(answer, signal);
    throw problemOf(await collect(this.#body(answer, signal), PROBLEM_BYTES), this.#server);
  }

  /**
   * The head of the answer, whatever its status but 100. Its body has to be read or destroyed; a problem document is
   * thrown as the Failure it was.
   * @throws Failure the peer's own, UNAVAILABLE where nothing was done, AnswerLost, what `body` throws
   */
  async stream(asked: StreamedRequest): Promise<IncomingMessage> {
    const { method, path, headers = {}, body, leaveMs, answerMs, signal } = asked;
    const { backEndHttpsPort: port } = await this.#directory.clientAccessServer(this.#server.id);
    this.#agent ??= new PeerAgent(this.#identity, this.#server, port);
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const request = httpRequest(
      {
        agent: this.#agent,
        host: internalAddress(this.#server),
        port,
        path,
        method,
        headers: { ...headers, ...(body === null ? {} : { expect: '100-continue', 'transfer-encoding': 'chunked' }) },
        signal,
      },
      resolve,
    );
    const late = (ms: number): NodeJS.Timeout =>
      setTimeout(() => request.destroy(this.#away('does not answer')), ms).unref();
    let deadline: NodeJS.Timeout | null = late(leaveMs);
    const done = (): void => {
      if (deadline !== null) clearTimeout(deadline);
      deadline = null;
    };
    let mayHaveBegun = false;
    let isDecided = false;
    const closed = new AbortController();
    request.on('error', reject);
    request.on('close', () => {
      closed.abort();
      reject(this.#away('has closed the connection'));
    });
    if (body === null) request.end();
    else {
      request.flushHeaders();
      request.once('continue', () => {
        mayHaveBegun = true;
        done();
        send(request, body, closed.signal).then(
          () => {
            if (!isDecided) deadline = late(answerMs);
          },
          (error: unknown) => {
            reject(error);
            request.destroy();
          },
        );
      });
    }
    let answer: IncomingMessage;
    try {
      answer = await promise;
    } catch (error) {
      const failure = this.#failure(error, signal);
      if (mayHaveBegun && failure instanceof Failure && failure.code === 'UNAVAILABLE')
        throw new AnswerLost('UNAVAILABLE', failure.message, { cause: error });
      throw failure;
    } finally {
      isDecided = true;
      done();
    }
    if ((answer.statusCode ?? 500) < 400) return answer;
    const problem = await collect(this.#body(answer, signal), PROBLEM_BYTES);
    // The body that the peer did not want stands between its answer and the next request.
    if (body !== null) request.destroy();
    throw problemOf(problem, this.#server);
  }

  /** All of a short answer. */
  async askWhole(request: PeerRequest, most: number): Promise<Buffer> {
    return collect(await this.ask(request), most);
  }

  async *#body(answer: IncomingMessage, signal: AbortSignal | undefined): AsyncIterable<Buffer> {
    try {
      for await (const chunk of answer) {
        const bytes: unknown = chunk;
        if (Buffer.isBuffer(bytes)) yield bytes;
      }
    } catch (error) {
      throw this.#failure(error, signal);
    }
    if (!answer.complete) throw this.#away('broke off its answer');
  }

  #failure(error: unknown, signal: AbortSignal | undefined): unknown {
    if (signal?.aborted === true) return signal.reason;
    if (error instanceof Failure) return error;
    const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
    return this.#away(`cannot be reached (${typeof code === 'string' ? code : 'TLS failed'})`, error);
  }

  #away(why: string, cause?: unknown): Failure {
    return new Failure('UNAVAILABLE', `Server ${this.#server.name} ${why}.`, { cause });
  }
}

async function send(request: ClientRequest, body: AsyncIterable<Buffer>, closed: AbortSignal): Promise<void> {
  for await (const chunk of body) if (!request.write(chunk)) await once(request, 'drain', { signal: closed });
  request.end();
}

class PeerAgent extends Agent {
  readonly #identity: ServerIdentity;
  readonly #server: Server;
  readonly #port: number;

  constructor(identity: ServerIdentity, server: Server, port: number) {
    super({ keepAlive: true, timeout: KEEP_ALIVE_MS });
    this.#identity = identity;
    this.#server = server;
    this.#port = port;
  }

  override createConnection(_options: object, ready?: (error: Error | null, stream: Duplex) => void): null {
    const socket = this.#identity.dial(this.#server.id, { host: internalAddress(this.#server), port: this.#port });
    socket.setNoDelay(true);
    // Nothing is sent before the other side has proved who it is.
    socket.once('secureConnect', () => ready?.(null, socket));
    socket.once('error', (error) => ready?.(error, socket));
    return null;
  }
}

async function collect(body: AsyncIterable<Buffer>, most: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of body) {
    size += piece.length;
    if (size > most) throw new Failure('TOOBIG', 'The answer of another server is longer than it may be.');
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

function problemOf(body: Buffer, server: Server): Failure {
  let problem: unknown = null;
  try {
    problem = JSON.parse(body.toString('utf8'));
  } catch {
    // Not one of ours: said below.
  }
  const field = (name: string): unknown =>
    typeof problem === 'object' && problem !== null ? Reflect.get(problem, name) : undefined;
  const code = CODES.find((one) => one === field('code')) ?? 'UNAVAILABLE';
  const detail = field('detail');
  const owner = field('owner');
  if (typeof owner === 'string') return new OwnedElsewhere(owner);
  return new Failure(code, typeof detail === 'string' ? detail : `Server ${server.name} gave no reason.`);
}
