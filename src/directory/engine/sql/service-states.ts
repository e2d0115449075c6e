/** Which services of a server run, and whether they start by themselves (exchange-behaviour.md §4). */
import { Failure } from '../../../observe/failure.ts';
import { serviceValues } from '../../audit.ts';
import type { Server, ServerId, ServiceName, ServiceState } from '../../model.ts';
import { initialState, serviceFacts, servicesOf } from '../../services.ts';
import { STARTUP_TYPES } from './rows.ts';
import type { Reader, Transaction } from './seam.ts';
import { existingServer } from './topology.ts';

/** Every service the server's roles bring, in the table's order. */
export async function readServices(reader: Reader, server: Server): Promise<readonly ServiceState[]> {
  const rows = await reader.all('SELECT * FROM service WHERE server = ?', server.id);
  return servicesOf(server).map((facts): ServiceState => {
    const row = rows.find((one) => one['service'] === facts.service);
    const startupType = STARTUP_TYPES.find((type) => type === row?.['startup_type']);
    if (row === undefined || startupType === undefined) return initialState(facts);
    return { service: facts.service, startupType, running: row['running'] === 1 };
  });
}

export async function setService(
  transaction: Transaction,
  id: ServerId,
  service: ServiceName,
  patch: Partial<Omit<ServiceState, 'service'>>,
): Promise<ServiceState> {
  if (patch.startupType !== undefined && !STARTUP_TYPES.includes(patch.startupType))
    throw new Failure('CANNOT', `StartupType must be one of ${STARTUP_TYPES.join(', ')}`);
  const server = await existingServer(transaction, id);
  const now = (await readServices(transaction, server)).find((state) => state.service === service);
  if (now === undefined) {
    const { displayName, side } = serviceFacts(service);
    const role = side === 'frontEnd' ? 'front end' : 'back end';
    throw new Failure('NONEXISTENT', `${displayName} is not on this server: it has no ${role}`);
  }
  const next: ServiceState = {
    service,
    startupType: patch.startupType ?? now.startupType,
    running: patch.running ?? now.running,
  };
  if (next.running && next.startupType === 'Disabled' && patch.running === true)
    throw new Failure('CANNOT', `${serviceFacts(service).displayName} is disabled; set its StartupType first`);
  await transaction.run(
    `INSERT INTO service (server, service, startup_type, running) VALUES (?, ?, ?, ?)
     ON CONFLICT (server, service) DO UPDATE SET startup_type = excluded.startup_type, running = excluded.running`,
    id,
    service,
    next.startupType,
    Number(next.running),
  );
  transaction.note('service', id);
  transaction.audit('Service', `${server.name}\\${service}`, serviceValues(now), serviceValues(next));
  return next;
}
