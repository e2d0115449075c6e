/**
 * `POST /session` signs in, `DELETE /session` signs out: a cookie and nothing else (ADR 12 §1). Refusals are problem
 * documents in the words that every other logon hears.
 */
import * as v from 'valibot';
import { Failure } from '../../observe/failure.ts';
import type { Log } from '../../observe/log.ts';
import { LOGON_NAME_BYTES, PASSWORD_BYTES } from '../../wire/limits.ts';
import { readBody, type WebExchange, type WebHandler } from '../https-host.ts';
import { problem, problemOf, sendProblem } from '../problem.ts';
import { NO_COOKIE } from './cookie.ts';
import { checkSameOrigin } from './same-origin.ts';
import type { SignIns } from './sign-ins.ts';

/** A name and a password as JSON, every character escaped. */
export const SIGN_IN_BYTES = 6 * (LOGON_NAME_BYTES + PASSWORD_BYTES) + 256;
/** Told with 429: when it ends is in the text. */
const RETRY_SECONDS = '60';

const signInSchema = v.strictObject({
  user: v.pipe(v.string(), v.nonEmpty()),
  password: v.string(),
  /** Kept when the browser is closed. */
  remember: v.optional(v.boolean(), false),
});

export function sessionHandler(signIns: SignIns, log: Log): WebHandler {
  return {
    prefix: '/session',
    handle: async (exchange) => {
      const { request, response } = exchange;
      response.setHeader('cache-control', 'no-store');
      try {
        if (request.method !== 'POST' && request.method !== 'DELETE') {
          sendProblem(response, { ...problem(405, 'only POST and DELETE are allowed here', 'CLIENTBUG') }, ALLOW);
          return;
        }
        checkSameOrigin(request.headers, 'change');
        if (request.method === 'POST') await signIn(signIns, exchange);
        else await signOut(signIns, exchange);
      } catch (error) {
        if (!(error instanceof Failure)) log.error({ err: error }, 'a sign-in or sign-out failed');
        const one = problemOf(error);
        sendProblem(response, { ...one }, one.status === 429 ? { 'retry-after': RETRY_SECONDS } : {});
      }
    },
  };
}

const ALLOW = { allow: 'POST, DELETE' };

async function signIn(signIns: SignIns, exchange: WebExchange): Promise<void> {
  const { cookie } = await signIns.open(exchange, await readSignIn(exchange));
  exchange.response.writeHead(204, { 'set-cookie': cookie });
  exchange.response.end();
}

async function signOut(signIns: SignIns, exchange: WebExchange): Promise<void> {
  await signIns.close(exchange);
  exchange.response.writeHead(204, { 'set-cookie': NO_COOKIE });
  exchange.response.end();
}

/** @throws Failure CLIENTBUG, TOOBIG; never with a word of what was sent */
async function readSignIn({ request }: WebExchange): Promise<v.InferOutput<typeof signInSchema>> {
  const type = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase();
  if (type !== 'application/json') throw new Failure('CLIENTBUG', 'content-type must be application/json');
  const body = await readBody(request, SIGN_IN_BYTES);
  let json: unknown;
  try {
    json = JSON.parse(body.toString('utf8'));
  } catch {
    throw new Failure('CLIENTBUG', 'the body is no JSON');
  } finally {
    body.fill(0);
  }
  const read = v.safeParse(signInSchema, json);
  if (!read.success) throw new Failure('CLIENTBUG', 'a sign-in is {"user", "password", "remember"}, nothing else');
  return read.output;
}
