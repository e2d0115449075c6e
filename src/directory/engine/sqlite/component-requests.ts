/** Who asked for which component of a server to be in or out of service (exchange-behaviour.md §4). */
import { Failure } from '../../../observe/failure.ts';
import type { DirectoryChange } from '../../api.ts';
import { COMPONENT_REQUESTERS, COMPONENTS, componentsOf } from '../../components.ts';
import type { Actor, ComponentRequest, ServerId } from '../../model.ts';
import type { DirectoryFile } from './file.ts';
import { numberOf, type Row, wordOf } from './rows.ts';
import type { Topology } from './topology.ts';

const NAMES = COMPONENTS.map((facts) => facts.component);
const STATES = ['Active', 'Inactive'] as const satisfies ReadonlyArray<ComponentRequest['state']>;

export class ComponentRequests {
  readonly #file: DirectoryFile;
  readonly #topology: Topology;
  readonly #now: () => number;
  readonly #known = new Map<ServerId, readonly ComponentRequest[]>();

  /** `now` in ms since 1970. */
  constructor(file: DirectoryFile, topology: Topology, now: () => number) {
    this.#file = file;
    this.#topology = topology;
    this.#now = now;
  }

  forget(change: DirectoryChange): void {
    if (change.kind === 'component' || change.kind === 'server') this.#known.clear();
  }

  of(server: ServerId): readonly ComponentRequest[] {
    const known = this.#known.get(server);
    if (known !== undefined) return known;
    this.#topology.server(server);
    const requests = this.#file
      .all('SELECT * FROM component_request WHERE server = ? ORDER BY component, requester', server)
      .map(requestOf);
    this.#known.set(server, requests);
    return requests;
  }

  set(actor: Actor, id: ServerId, given: Omit<ComponentRequest, 'at'>): ComponentRequest {
    const server = this.#topology.server(id);
    if (!NAMES.includes(given.component)) throw new Failure('CANNOT', `Component must be one of ${NAMES.join(', ')}`);
    if (!componentsOf(server).includes(given.component))
      throw new Failure('NONEXISTENT', `${server.name} has no ${given.component}: it lacks the role`);
    if (!COMPONENT_REQUESTERS.includes(given.requester))
      throw new Failure('CANNOT', `Requester must be one of ${COMPONENT_REQUESTERS.join(', ')}`);
    if (!STATES.includes(given.state)) throw new Failure('CANNOT', `State must be one of ${STATES.join(', ')}`);
    return this.#file.write(actor, (transaction) => {
      const { component, requester, state } = given;
      const before = this.of(id).find((one) => one.component === component && one.requester === requester);
      const request: ComponentRequest = { component, requester, state, at: this.#now() };
      this.#file.run(
        `INSERT INTO component_request (server, component, requester, state, at) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET state = ?4, at = ?5`,
        id,
        component,
        requester,
        state,
        request.at,
      );
      transaction.note('component', id);
      // Without a request a component is active.
      transaction.audit(
        'ServerComponentState',
        `${server.name}\\${component}`,
        { [requester]: before?.state ?? 'Active' },
        { [requester]: state },
      );
      return request;
    });
  }
}

const requestOf = (row: Row): ComponentRequest => ({
  component: wordOf(row, 'component', NAMES),
  requester: wordOf(row, 'requester', COMPONENT_REQUESTERS),
  state: wordOf(row, 'state', STATES),
  at: numberOf(row, 'at'),
});
