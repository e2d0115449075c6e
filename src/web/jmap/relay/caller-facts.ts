/**
 * Who asks, as one server tells another: the value of one header field. Servers trust each other with it because their
 * certificates say who they are (ADR 9 §2); from clients it is never taken, as their requests are never passed on but
 * made anew. Pure.
 */
import { Buffer } from 'node:buffer';
import * as v from 'valibot';
import { Failure } from '../../../observe/failure.ts';
import type { Caller } from '../http/caller.ts';

export const CALLER_FIELD = 'x-penfold-caller';
const TEXT = v.pipe(v.string(), v.maxLength(500));

const schema = v.object({
  user: TEXT,
  webSession: v.nullable(TEXT),
  appPassword: v.nullable(TEXT),
  remoteAddress: TEXT,
  tls: v.nullable(v.object({ protocol: TEXT, cipher: TEXT, serverName: v.nullable(TEXT) })),
});
export type CallerFacts = v.InferOutput<typeof schema>;

export const callerFacts = ({ user, webSession, appPassword, remoteAddress, tls }: Caller): CallerFacts => ({
  user: user.id,
  webSession,
  appPassword,
  remoteAddress,
  tls,
});

export const writeCallerFacts = (caller: Caller): string =>
  Buffer.from(JSON.stringify(callerFacts(caller))).toString('base64url');

/** @throws Failure CLIENTBUG */
export function readCallerFacts(text: string | undefined): CallerFacts {
  try {
    return v.parse(schema, JSON.parse(Buffer.from(text ?? '', 'base64url').toString('utf8')));
  } catch (cause) {
    throw new Failure('CLIENTBUG', 'the request does not say who asks', { cause });
  }
}

/** @throws Failure CLIENTBUG */
export function checkedCallerFacts(json: unknown): CallerFacts {
  const parsed = v.safeParse(schema, json);
  if (!parsed.success) throw new Failure('CLIENTBUG', 'the request does not say who asks');
  return parsed.output;
}
