/**
 * What all JMAP resources have in common: who asks, which method of HTTP, how a refusal is written (RFC 8620 §3.6.1),
 * bodies in memory within their bounds. Knows no JMAP method.
 */
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { TLSSocket } from 'node:tls';
import { Failure } from '../../../observe/failure.ts';
import { tlsFacts } from '../../../wire/socket-facts.ts';
import { problemOf, type ProblemFacts, sendProblem } from '../../problem.ts';
import { type Asking, challenge, type SignedIn, type SignIns } from '../../session/sign-ins.ts';
import { RequestRefused } from '../request.ts';
import type { Budget } from './limits.ts';
import type { Caller } from './caller.ts';

/** Seconds after which a client that was refused for load, or for a server that is away, may come again. */
const RETRY_AFTER = '5';

export class MethodRefused extends Failure {
  readonly allowed: readonly string[];

  constructor(allowed: readonly string[]) {
    super('CLIENTBUG', `only ${allowed.join(' and ')} ${allowed.length > 1 ? 'are' : 'is'} allowed here`);
    this.allowed = allowed;
  }
}

/** @throws MethodRefused */
export function allow({ method }: IncomingMessage, ...allowed: readonly string[]): void {
  if (!allowed.includes(method ?? '')) throw new MethodRefused(allowed);
}

export interface SignedInCaller {
  readonly who: SignedIn;
  readonly caller: Caller;
}

/** @throws Failure as the door */
export async function callerOf(signIns: SignIns, exchange: Asking): Promise<SignedInCaller> {
  const who = await signIns.signedIn(exchange);
  const { request, remoteAddress } = exchange;
  const { user, webSession, appPassword } = who;
  const { socket } = request;
  const tls = socket instanceof TLSSocket ? tlsFacts(socket) : null;
  return { who, caller: { user, webSession, appPassword, remoteAddress, tls, frontEnd: null } };
}

/** One key for all that a person does under one sign-in: what is counted "per session" is counted by it. */
export const keyOf = ({ user, webSession, appPassword }: Caller): string =>
  webSession ?? `${user.id} ${appPassword ?? ''}`;

/** A refusal with all that it needs. */
export function refuse(
  error: unknown,
  headers: IncomingHttpHeaders,
): {
  readonly problem: ProblemFacts & Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;
} {
  if (error instanceof RequestRefused) return { problem: { ...error.problem }, headers: {} };
  const problem = { ...problemOf(error) };
  if (error instanceof MethodRefused)
    return {
      problem: { ...problem, status: 405, title: 'Method Not Allowed' },
      headers: { allow: error.allowed.join(', ') },
    };
  switch (problem.status) {
    case 401:
      return { problem, headers: challenge(headers) };
    case 429:
    case 503:
      return { problem, headers: { 'retry-after': RETRY_AFTER } };
    default:
      return { problem, headers: {} };
  }
}

/** Writes it; a fault goes to whoever called, for the log. */
export function sendRefusal(
  error: unknown,
  exchange: { readonly request: IncomingMessage; readonly response: ServerResponse },
): void {
  if (!(error instanceof Failure) && !(error instanceof RequestRefused)) throw error;
  const { problem, headers } = refuse(error, exchange.request.headers);
  sendProblem(exchange.response, problem, { 'cache-control': 'no-store', ...headers });
}

/**
 * A body of at most `most` octets, while all bodies together fit into the budget. `use` gets it; then its room is
 * free again.
 * @throws RequestRefused `tooLarge`, Failure UNAVAILABLE (no room), what `use` throws
 */
export async function withBody<T>(
  request: IncomingMessage,
  limits: { readonly most: number; readonly budget: Budget; readonly tooLarge: () => Error },
  use: (body: Buffer) => Promise<T>,
): Promise<T> {
  const { most, budget, tooLarge } = limits;
  if (Number(request.headers['content-length'] ?? 0) > most) throw tooLarge();
  const chunks: Buffer[] = [];
  let octets = 0;
  try {
    // Not destroyed by the throw: the refusal still has to reach the client.
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      const part = Buffer.from(chunk);
      if (octets + part.length > most) throw tooLarge();
      if (!budget.take(part.length))
        throw new Failure('UNAVAILABLE', 'Too many large requests are being worked on; try again in a moment.');
      octets += part.length;
      chunks.push(part);
    }
    return await use(Buffer.concat(chunks));
  } finally {
    budget.give(octets);
  }
}

/** Writes at the pace of the client. */
export async function sendPieces(
  response: ServerResponse,
  pieces: AsyncIterable<Buffer>,
  signal: AbortSignal,
): Promise<void> {
  for await (const piece of pieces) {
    signal.throwIfAborted();
    if (!response.write(piece)) await once(response, 'drain', { signal });
  }
  response.end();
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @throws RequestRefused notJSON: I-JSON is UTF-8 (RFC 7493 §2.1) */
export function utf8(body: Buffer): string {
  try {
    return UTF8.decode(body);
  } catch {
    throw new RequestRefused('notJSON', 'the body is no UTF-8');
  }
}
