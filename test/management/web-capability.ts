/** Calls methods of one capability as a JMAP request does that came from the person's browser. */
import type { Account } from '../../src/directory/model.ts';
import type { Capability, JmapContext } from '../../src/web/jmap/capability.ts';
import { carryOut } from '../../src/web/jmap/dispatch.ts';
import type { JsonObject } from '../../src/web/jmap/json.ts';
import { readRequest } from '../../src/web/jmap/request.ts';

export interface Caller {
  readonly user: Account;
  readonly appPassword?: string;
  readonly remoteAddress?: string;
  readonly signal?: AbortSignal;
}

/** Name and arguments of the answer; what is no refusal is thrown. */
export async function callMethod(
  capability: Capability,
  caller: Caller,
  name: string,
  args: object,
): Promise<readonly [string, JsonObject]> {
  const context: JmapContext = {
    user: caller.user,
    webSession: caller.appPassword === undefined ? '1' : null,
    appPassword: caller.appPassword ?? null,
    remoteAddress: caller.remoteAddress ?? '192.0.2.7',
    account: () => Promise.resolve(null),
  };
  const faults: Error[] = [];
  const text = JSON.stringify({ using: [capability.uri], methodCalls: [[name, args, 'c']] });
  const { methodResponses } = await carryOut(readRequest(text, new Set([capability.uri])), {
    methods: new Map(capability.methods.map((method) => [method.name, method])),
    context,
    sessionState: 's',
    signal: caller.signal ?? new AbortController().signal,
    onFault: (error) => faults.push(new Error(`${name} failed`, { cause: error })),
  });
  const [fault] = faults;
  if (fault !== undefined) throw fault;
  const [answer] = methodResponses;
  if (answer === undefined) throw new Error(`${name} gave no answer`);
  return [answer[0], answer[1]];
}
