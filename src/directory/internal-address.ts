/** Where the other servers of the organization dial a server: its certificate names its id, so any address will do. */
import type { Server } from './model.ts';

/** Its host name, unless it was given an address of its own for this. */
export const internalAddress = (server: Pick<Server, 'fqdn' | 'internalAddress'>): string =>
  server.internalAddress ?? server.fqdn;
