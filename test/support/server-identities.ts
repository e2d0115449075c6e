/** Identities of servers, in memory: of one organization, of a stranger, of one whose certificate has run out. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { Directory } from '../../src/directory/api.ts';
import { type Server, type ServerId, serverId, siteId } from '../../src/directory/model.ts';
import { silentLog } from '../../src/observe/log.ts';
import type { AuthorityPem } from '../../src/tls/ecdsa.ts';
import { makeServerAuthority, openServerAuthority, SERVER_LEAF_DAYS } from '../../src/tls/server-authority.ts';
import { openServerIdentity } from '../../src/tls/server-identity.ts';

const DAY_MS = 86_400_000;

export type OpenedIdentity = Awaited<ReturnType<typeof openServerIdentity>>;

export interface ServerIdentities {
  /** Front end and back end of one organization; the directory below has both. */
  readonly frontEnd: OpenedIdentity;
  readonly backEnd: OpenedIdentity;
  /** Claims the front end's id with a certificate of its own authority. */
  readonly rogue: OpenedIdentity;
  /** The front end with a certificate that has run out. */
  readonly expired: OpenedIdentity;
  /** Of the organization's authority, and the directory does not have it (any more). */
  readonly removed: OpenedIdentity;
  readonly directory: Pick<Directory, 'servers'>;
  close(): void;
}

export function aServer(id: ServerId, name: string, roles: Partial<Server> = {}): Server {
  const fqdn = `${name.toLowerCase()}.example.org`;
  return { id, name, fqdn, site: siteId('site-1'), frontEnd: true, backEnd: true, ...roles };
}

/** One server's, of the authority given; `now` is the clock it issues by. */
export async function identityOf(
  authority: AuthorityPem,
  server: ServerId,
  options: { readonly issuedAt?: () => Date; readonly now?: () => Date } = {},
): Promise<OpenedIdentity> {
  const opened = await openServerAuthority(authority, options.issuedAt);
  return openServerIdentity({
    server,
    issue: async () => ({ ...(await opened.issue(server)), trusted: [authority.certificatePem] }),
    log: silentLog,
    ...(options.now === undefined ? {} : { now: options.now }),
  });
}

/** `front` and `back`: ids of servers that exist already, when the test has a directory of its own. */
export async function serverIdentities(
  front: ServerId = serverId('front-1'),
  back: ServerId = serverId('back-1'),
): Promise<ServerIdentities> {
  const own = await makeServerAuthority('Example');
  const foreign = await makeServerAuthority('Example');
  const longAgo = new Date(Date.now() - (SERVER_LEAF_DAYS + 1) * DAY_MS);
  const [frontEnd, backEnd, rogue, expired, removed] = await Promise.all([
    identityOf(own, front),
    identityOf(own, back),
    identityOf(foreign, front),
    identityOf(own, front, { issuedAt: () => longAgo }),
    identityOf(own, serverId('removed-1')),
  ]);
  const servers = [aServer(front, 'FRONT1', { backEnd: false }), aServer(back, 'BACK1', { frontEnd: false })];
  const all = [frontEnd, backEnd, rogue, expired, removed];
  return {
    frontEnd,
    backEnd,
    rogue,
    expired,
    removed,
    directory: { servers: async () => servers },
    close: () => {
      for (const one of all) one.close();
    },
  };
}

export interface Listening {
  readonly port: number;
  close(): Promise<void>;
}

/** A listener on loopback that gives every connection away. */
export async function listen(accept: (socket: Socket) => void): Promise<Listening> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    accept(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A TCP server that listens has an address and no path.
  const address: AddressInfo | string | null = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    close: async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
