/** SASL PLAIN (RFC 4616): [authzid] NUL authcid NUL passwd. */
import { ProtocolViolation } from '../../observe/failure.ts';
import type { LogonContext, SaslExchange, SaslStep } from '../api.ts';
import { checkedResponse, type MechanismHost, textOf } from './mechanism.ts';

export function plainExchange(host: MechanismHost, context: LogonContext): SaslExchange {
  let state: 'begin' | 'asked' | 'done' = 'begin';
  return {
    async step(response): Promise<SaslStep> {
      if (state === 'done') throw new ProtocolViolation('the SASL exchange is over');
      if (response === null) {
        if (state !== 'begin') throw new ProtocolViolation('PLAIN needs a response');
        state = 'asked';
        return { done: false, challenge: new Uint8Array(0) };
      }
      state = 'done';
      const { authorizationId, name, password } = parsePlain(response);
      return { done: true, logon: await host.password(name, password, authorizationId, context, 'PLAIN'), final: null };
    },
  };
}

/** @throws ProtocolViolation */
export function parsePlain(response: Uint8Array): {
  readonly authorizationId: string;
  readonly name: string;
  readonly password: string;
} {
  const bytes = checkedResponse(response);
  const first = bytes.indexOf(0);
  const second = first < 0 ? -1 : bytes.indexOf(0, first + 1);
  if (second < 0 || bytes.indexOf(0, second + 1) >= 0)
    throw new ProtocolViolation('PLAIN is authorization id, NUL, user name, NUL, password');
  const authorizationId = textOf(bytes.subarray(0, first), 'user name');
  const name = textOf(bytes.subarray(first + 1, second), 'user name');
  const password = textOf(bytes.subarray(second + 1), 'password');
  if (name === '') throw new ProtocolViolation('PLAIN without a user name');
  return { authorizationId, name, password };
}
