/**
 * `penfold why-cannot-log-on`: what stands between a person and his mail, by protocol, in the order in which it would
 * be met: the service, its component, then everything about the account (auth/why.ts). Each finding with its cure.
 */
import { type LogonCheck, whyCannotLogOn } from '../auth/why.ts';
import type { LockOut } from '../auth/throttle.ts';
import type { Directory } from '../directory/api.ts';
import { inactiveBecauseOf } from '../directory/components.ts';
import type { ComponentName, Server, ServiceName } from '../directory/model.ts';
import { serviceFacts } from '../directory/services.ts';

export type AskedProtocol = 'imap' | 'pop3' | 'smtp';

export interface WhyCheck extends Omit<LogonCheck, 'check'> {
  readonly check: LogonCheck['check'] | 'server' | 'service' | 'component';
}

const PARTS: Readonly<
  Record<AskedProtocol, { readonly services: readonly ServiceName[]; readonly component: ComponentName }>
> = {
  imap: { services: ['imap4', 'imap4-backend'], component: 'ImapProxy' },
  pop3: { services: ['pop3', 'pop3-backend'], component: 'PopProxy' },
  smtp: { services: ['frontend-transport'], component: 'FrontendTransport' },
};

export async function why(
  directory: Directory,
  server: Server,
  /** Null: no server runs. */
  lockOuts: readonly LockOut[] | null,
  typed: string,
  protocol: AskedProtocol,
): Promise<readonly WhyCheck[]> {
  const { services, component } = PARTS[protocol];
  const states = await directory.services(server.id);
  const checks: WhyCheck[] = [];
  if (lockOuts === null) {
    checks.push({
      check: 'server',
      result: 'refused',
      text: 'no server runs on this data directory',
      fix: 'penfold serve',
    });
  }
  for (const service of services) {
    const { displayName } = serviceFacts(service);
    const runs = states.some((state) => state.service === service && state.running);
    checks.push(
      runs
        ? { check: 'service', result: 'ok', text: `${displayName} runs`, fix: null }
        : {
            check: 'service',
            result: 'refused',
            text: `${displayName} is stopped`,
            fix: `penfold service enable ${serviceFacts(service).side === 'frontEnd' ? service : (serviceFacts(service).counterpart ?? service)}`,
          },
    );
  }
  const against = inactiveBecauseOf(await directory.componentRequests(server.id), component);
  checks.push(
    against.length === 0
      ? { check: 'component', result: 'ok', text: `${component} is active`, fix: null }
      : {
          check: 'component',
          result: 'refused',
          text: `${component} is inactive, requested by ${against.map((one) => one.requester).join(', ')}`,
          fix: `Set-ServerComponentState ${server.name} -Component ${against[0]?.component ?? component} -Requester ${against[0]?.requester ?? 'Maintenance'} -State Active`,
        },
  );
  return [...checks, ...(await whyCannotLogOn(directory, lockOuts, typed, protocol))];
}
