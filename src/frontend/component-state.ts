/**
 * Get-/Set-ServerComponentState as front ends see it (exchange-behaviour.md §4). Exchange's inactive proxy takes the
 * connection and says nothing; ours says who turned it off.
 */
import type { Directory } from '../directory/api.ts';
import { inactiveBecauseOf } from '../directory/components.ts';
import type { ComponentName, ServerId } from '../directory/model.ts';
import { Failure } from '../observe/failure.ts';

/** Null: active. Else what a client hears who comes now. */
export async function inactivity(
  directory: Directory,
  server: ServerId,
  component: ComponentName,
): Promise<Failure | null> {
  const against = inactiveBecauseOf(await directory.componentRequests(server), component);
  if (against.length === 0) return null;
  const by = [...new Set(against.map((request) => request.requester))].join(', ');
  return new Failure(
    'UNAVAILABLE',
    `This service is out of service on this server for now (${component} is Inactive, requested by ${by}); try again later`,
  );
}
