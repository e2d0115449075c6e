/** Turning services on and off, front and back end of a protocol in one step. Knows the directory only. */
import type { Directory } from '../directory/api.ts';
import type { Server, ServiceName, ServiceState } from '../directory/model.ts';
import { serviceByName, servicesOf } from '../directory/services.ts';
import { Failure } from '../observe/failure.ts';

export type ServiceAction = 'enable' | 'disable' | 'start' | 'stop';

/** A name may be one of a pair (`pop3-backend`), or of both in one (`pop3`). */
export function servicesNamed(server: Server, name: string): readonly ServiceName[] {
  const facts = serviceByName(name);
  const here = new Set(servicesOf(server).map((one) => one.service));
  const both =
    facts.side === 'frontEnd' && facts.counterpart !== null ? [facts.service, facts.counterpart] : [facts.service];
  const found = both.filter((service) => here.has(service));
  if (found.length === 0) throw new Failure('NONEXISTENT', `server ${server.name} has no service ${facts.service}`);
  return found;
}

/**
 * `enable`: Automatic and running. `disable`: Disabled and stopped. `start`, `stop`: now, the startup type stays.
 * @throws Failure CANNOT when a disabled service is to be started
 */
export async function actOnServices(
  directory: Directory,
  server: Server,
  services: readonly ServiceName[],
  action: ServiceAction,
): Promise<readonly ServiceState[]> {
  const states = await directory.services(server.id);
  if (action === 'start') {
    const disabled = services.find(
      (service) => states.find((state) => state.service === service)?.startupType === 'Disabled',
    );
    if (disabled !== undefined) {
      throw new Failure(
        'CANNOT',
        `${disabled} is disabled and cannot be started. Enable it: penfold service enable ${disabled}`,
      );
    }
  }
  const changed: ServiceState[] = [];
  // The back end first when starting, last when stopping: no client meets a front end without one.
  const order = action === 'enable' || action === 'start' ? services.toReversed() : services;
  for (const service of order) changed.push(await directory.setService(server.id, service, patchOf(action)));
  return changed;
}

function patchOf(action: ServiceAction): Partial<Omit<ServiceState, 'service'>> {
  switch (action) {
    case 'enable':
      return { startupType: 'Automatic', running: true };
    case 'disable':
      return { startupType: 'Disabled', running: false };
    case 'start':
      return { running: true };
    case 'stop':
      return { running: false };
  }
}
