/**
 * The back ends of all other servers, as front ends of this one reach them: one link a server and protocol, made when
 * the first user needs it, let go when the server leaves the organization. Keeps the list of all relayed sessions.
 */
import type { Directory } from '../../directory/api.ts';
import type { Server, ServerId } from '../../directory/model.ts';
import { SessionRegistry } from '../../backend/sessions.ts';
import type { ProxyProtocol } from '../../backend/proxy/dialect.ts';
import { Failure } from '../../observe/failure.ts';
import type { Log } from '../../observe/log.ts';
import type { ServerIdentity } from '../../tls/server-identity.ts';
import { type BackEndState, RELAY_TIMES, type RelayTimes, RemoteBackEnd } from './remote-back-end.ts';

export interface RemoteBackEndsOptions {
  readonly directory: Directory;
  readonly identity: ServerIdentity;
  readonly log: Log;
  readonly times?: Partial<RelayTimes>;
}

export interface ServerState extends BackEndState {
  readonly server: string;
}

interface Known {
  readonly name: string;
  readonly links: Map<ProxyProtocol, RemoteBackEnd>;
}

export class RemoteBackEnds {
  /** Sessions of this server's clients on other servers. */
  readonly sessions = new SessionRegistry();
  readonly #options: RemoteBackEndsOptions;
  readonly #known = new Map<ServerId, Known>();
  readonly #unwatch: () => void;

  constructor(options: RemoteBackEndsOptions) {
    this.#options = options;
    this.#unwatch = options.directory.watch((change) => {
      if (change.kind === 'server') void this.#forgetRemoved();
    });
  }

  to(server: Server, protocol: ProxyProtocol): RemoteBackEnd | null {
    if (!server.backEnd) return null;
    let known = this.#known.get(server.id);
    if (known === undefined) this.#known.set(server.id, (known = { name: server.name, links: new Map() }));
    let link = known.links.get(protocol);
    if (link === undefined) known.links.set(protocol, (link = this.#link(server, protocol)));
    return link;
  }

  /** Those that were asked for so far. */
  states(): readonly ServerState[] {
    return [...this.#known.values()].flatMap(({ name, links }) =>
      [...links.values()].map((link) => ({ server: name, ...link.state })),
    );
  }

  close(): void {
    this.#unwatch();
    for (const { links } of this.#known.values()) for (const link of links.values()) link.close();
    this.#known.clear();
  }

  #link({ id, name }: Server, protocol: ProxyProtocol): RemoteBackEnd {
    const { directory, identity, log, times } = this.#options;
    return new RemoteBackEnd({
      protocol,
      identity,
      sessions: this.sessions,
      log: log.child({ backEnd: name }),
      times: { ...RELAY_TIMES, ...times },
      where: async () => {
        const server = (await directory.servers()).find((one) => one.id === id);
        if (server === undefined) throw new Failure('UNAVAILABLE', 'The server of this mailbox is not known any more');
        const settings = await (protocol === 'imap' ? directory.imapSettings(id) : directory.popSettings(id));
        return { server, port: settings.proxyTargetPort };
      },
    });
  }

  async #forgetRemoved(): Promise<void> {
    try {
      const servers = new Set((await this.#options.directory.servers()).map(({ id }) => id));
      for (const [id, { links }] of this.#known) {
        if (servers.has(id)) continue;
        this.#known.delete(id);
        for (const link of links.values()) link.close();
      }
    } catch (error) {
      this.#options.log.warn({ error: String(error) }, 'the list of servers could not be read');
    }
  }
}
