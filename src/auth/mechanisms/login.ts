/**
 * LOGIN (draft-murchison-sasl-login): user name, then password. Obsolete, never an RFC; older Outlook and many
 * devices know nothing else for submission. A client may send the name as initial response.
 */
import { ProtocolViolation } from '../../observe/failure.ts';
import type { LogonContext, SaslExchange, SaslStep } from '../api.ts';
import { checkedResponse, type MechanismHost, textOf } from './mechanism.ts';

const ask = (prompt: string): SaslStep => ({ done: false, challenge: Buffer.from(prompt, 'latin1') });

export function loginExchange(host: MechanismHost, context: LogonContext): SaslExchange {
  let state: 'begin' | 'name' | 'password' | 'done' = 'begin';
  let name = '';
  return {
    async step(response): Promise<SaslStep> {
      if (response === null) {
        if (state !== 'begin') throw new ProtocolViolation('LOGIN needs a response');
        state = 'name';
        return ask('Username:');
      }
      if (state === 'begin' || state === 'name') {
        name = textOf(checkedResponse(response), 'user name');
        if (name === '') throw new ProtocolViolation('LOGIN without a user name');
        state = 'password';
        return ask('Password:');
      }
      if (state === 'done') throw new ProtocolViolation('the SASL exchange is over');
      state = 'done';
      const password = textOf(checkedResponse(response), 'password');
      return { done: true, logon: await host.password(name, password, '', context, 'LOGIN'), final: null };
    },
  };
}
