/** Signing in and out (`/session`): the cookie it sets is not for scripts. */
import * as v from 'valibot';
import { STORAGE_PREFIX } from '../compose/fields/address-storage.ts';
import { ConnectionLost, RequestRefused } from '../jmap/errors.ts';
import { OWN_REQUEST } from '../jmap/session.ts';

const problem = v.looseObject({ detail: v.string() });

/** `remember`: the session outlives the browser. @throws RequestRefused with the server's words, ConnectionLost */
export async function signIn(user: string, password: string, remember: boolean): Promise<void> {
  const answer = await ask('POST', JSON.stringify({ user, password, remember }));
  if (answer.ok) return;
  if (answer.status === 502 || answer.status === 504) throw new ConnectionLost(answer.status);
  const said = v.safeParse(problem, await answer.json().catch(() => null));
  throw new RequestRefused(answer.status, said.success ? said.output.detail : answer.statusText);
}

/** @throws ConnectionLost */
export async function signOut(): Promise<void> {
  await ask('DELETE');
  // Whom somebody writes to is nothing for who comes next.
  for (const key of Object.keys(localStorage)) if (key.startsWith(STORAGE_PREFIX)) localStorage.removeItem(key);
}

async function ask(method: string, body?: string): Promise<Response> {
  try {
    return await fetch('/session', {
      method,
      headers: { ...OWN_REQUEST, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body }),
    });
  } catch (reason) {
    throw new ConnectionLost(reason);
  }
}
