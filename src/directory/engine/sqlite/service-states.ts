/** Which services of a server run, and whether they start by themselves (exchange-behaviour.md §4). Kept once read. */
import { Failure } from '../../../observe/failure.ts';
import type { DirectoryChange } from '../../api.ts';
import { serviceValues } from '../../audit.ts';
import type { Actor, ServerId, ServiceName, ServiceState } from '../../model.ts';
import { initialState, serviceFacts, servicesOf } from '../../services.ts';
import type { DirectoryFile } from './file.ts';
import { STARTUP_TYPES } from './rows.ts';
import type { Topology } from './topology.ts';

export class Services {
  readonly #file: DirectoryFile;
  readonly #topology: Topology;
  readonly #known = new Map<ServerId, readonly ServiceState[]>();

  constructor(file: DirectoryFile, topology: Topology) {
    this.#file = file;
    this.#topology = topology;
  }

  forget(change: DirectoryChange): void {
    if (change.kind === 'service' || change.kind === 'server') this.#known.clear();
  }

  /** Every service the server's roles bring, in the table's order. */
  of(id: ServerId): readonly ServiceState[] {
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const rows = this.#file.all('SELECT * FROM service WHERE server = ?', id);
    const states = servicesOf(this.#topology.server(id)).map((facts): ServiceState => {
      const row = rows.find((one) => one['service'] === facts.service);
      const startupType = STARTUP_TYPES.find((type) => type === row?.['startup_type']);
      if (row === undefined || startupType === undefined) return initialState(facts);
      return { service: facts.service, startupType, running: row['running'] === 1 };
    });
    this.#known.set(id, states);
    return states;
  }

  set(actor: Actor, id: ServerId, service: ServiceName, patch: Partial<Omit<ServiceState, 'service'>>): ServiceState {
    if (patch.startupType !== undefined && !STARTUP_TYPES.includes(patch.startupType))
      throw new Failure('CANNOT', `StartupType must be one of ${STARTUP_TYPES.join(', ')}`);
    return this.#file.write(actor, (transaction) => {
      this.#known.delete(id);
      const now = this.of(id).find((state) => state.service === service);
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
      this.#file.run(
        `INSERT INTO service (server, service, startup_type, running) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET startup_type = ?3, running = ?4`,
        id,
        service,
        next.startupType,
        Number(next.running),
      );
      transaction.note('service', id);
      transaction.audit(
        'Service',
        `${this.#topology.server(id).name}\\${service}`,
        serviceValues(now),
        serviceValues(next),
      );
      return next;
    });
  }
}
