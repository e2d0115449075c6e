/** Who asked for which component of a server to be in or out of service (exchange-behaviour.md §4). */
import { Failure } from '../../../observe/failure.ts';
import { COMPONENT_REQUESTERS, COMPONENTS, componentsOf } from '../../components.ts';
import type { ComponentRequest, ServerId } from '../../model.ts';
import { numberOf, wordOf } from './rows.ts';
import type { Reader, Row, Transaction } from './seam.ts';
import { existingServer } from './topology.ts';

const NAMES = COMPONENTS.map((facts) => facts.component);
const STATES = ['Active', 'Inactive'] as const satisfies ReadonlyArray<ComponentRequest['state']>;

export async function readComponentRequests(reader: Reader, server: ServerId): Promise<readonly ComponentRequest[]> {
  const sql = 'SELECT * FROM component_request WHERE server = ? ORDER BY component, requester';
  return (await reader.all(sql, server)).map(requestOf);
}

export async function setComponentRequest(
  transaction: Transaction,
  id: ServerId,
  given: Omit<ComponentRequest, 'at'>,
): Promise<ComponentRequest> {
  const server = await existingServer(transaction, id);
  if (!NAMES.includes(given.component)) throw new Failure('CANNOT', `Component must be one of ${NAMES.join(', ')}`);
  if (!componentsOf(server).includes(given.component))
    throw new Failure('NONEXISTENT', `${server.name} has no ${given.component}: it lacks the role`);
  if (!COMPONENT_REQUESTERS.includes(given.requester))
    throw new Failure('CANNOT', `Requester must be one of ${COMPONENT_REQUESTERS.join(', ')}`);
  if (!STATES.includes(given.state)) throw new Failure('CANNOT', `State must be one of ${STATES.join(', ')}`);
  const { component, requester, state } = given;
  const before = (await readComponentRequests(transaction, id)).find(
    (one) => one.component === component && one.requester === requester,
  );
  const request: ComponentRequest = { component, requester, state, at: transaction.at };
  await transaction.run(
    `INSERT INTO component_request (server, component, requester, state, at) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (server, component, requester) DO UPDATE SET state = excluded.state, at = excluded.at`,
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
}

const requestOf = (row: Row): ComponentRequest => ({
  component: wordOf(row, 'component', NAMES),
  requester: wordOf(row, 'requester', COMPONENT_REQUESTERS),
  state: wordOf(row, 'state', STATES),
  at: numberOf(row, 'at'),
});
