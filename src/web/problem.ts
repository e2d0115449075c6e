/** Refusals over HTTPS as problem details (RFC 9457). Knows no request handler. */
import { Buffer } from 'node:buffer';
import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { Failure, type FailureCode } from '../observe/failure.ts';

const STATUS: Readonly<Partial<Record<FailureCode, number>>> = {
  ALREADYEXISTS: 409,
  AUTHENTICATIONFAILED: 401,
  AUTHORIZATIONFAILED: 403,
  CLIENTBUG: 400,
  CONTACTADMIN: 403,
  INUSE: 409,
  LIMIT: 429,
  NONEXISTENT: 404,
  NOPERM: 403,
  OVERQUOTA: 507,
  PRIVACYREQUIRED: 403,
  SERVERBUG: 500,
  TOOBIG: 413,
  UNAVAILABLE: 503,
};

/** What every problem document has; others may have members of their own. */
export interface ProblemFacts {
  readonly title: string;
  readonly status: number;
  readonly detail: string;
}

export interface Problem extends ProblemFacts {
  readonly type: 'about:blank';
  /** Ours: the failure code, finer than the status. */
  readonly code: string;
}

/** What is a bug keeps its text to the log. */
export function problemOf(error: unknown): Problem {
  const failure = error instanceof Failure ? error : new Failure('SERVERBUG', 'an internal error; see the log');
  // Understood and well formed, and not to be done: RFC 9110 §15.5.21.
  return problem(STATUS[failure.code] ?? 422, failure.message, failure.code);
}

export function problem(status: number, detail: string, code: string): Problem {
  return { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail, code };
}

/** Where the answer has begun already there is no room for it: the connection is cut. */
export function sendProblem(
  response: ServerResponse,
  one: ProblemFacts & Readonly<Record<string, unknown>>,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  // What still comes of the request is not read: the client must not send another one behind it.
  if (!response.req.complete) response.setHeader('connection', 'close');
  response.writeHead(one.status, { 'content-type': 'application/problem+json', ...headers });
  response.end(JSON.stringify(one));
}

/** The same on a connection that was to become another protocol's: there is no response object any more. */
export function refuseUpgrade(
  socket: Duplex,
  one: ProblemFacts & Readonly<Record<string, unknown>>,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (socket.destroyed || !socket.writable) return;
  const body = JSON.stringify(one);
  const fields = {
    ...headers,
    connection: 'close',
    'content-type': 'application/problem+json',
    'content-length': String(Buffer.byteLength(body)),
  };
  const head = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${one.status} ${one.title}\r\n${head.join('')}\r\n${body}`);
}
