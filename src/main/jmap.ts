/** JMAP of a running server: its capabilities, the mailboxes here, the way to those elsewhere, its HTTP resources. */
import type { BackEndHttps } from '../backend/http/host.ts';
import type { LiveQuotas } from '../backend/live-quotas.ts';
import type { SessionRegistry } from '../backend/sessions.ts';
import type { Directory } from '../directory/api.ts';
import type { DatabaseId, Server, ServerId } from '../directory/model.ts';
import { BackEndStates } from '../frontend/back-end-states.ts';
import { Places } from '../frontend/places.ts';
import type { Log } from '../observe/log.ts';
import type { MailboxDatabase } from '../store/api.ts';
import type { ServerIdentity } from '../tls/server-identity.ts';
import type { WebHandler } from '../web/https-host.ts';
import type { Capability } from '../web/jmap/capability.ts';
import { JmapFrontEnd } from '../web/jmap/http/front-end.ts';
import { jmapHandlers } from '../web/jmap/http/handlers.ts';
import { LocalBackEnd } from '../web/jmap/http/local-back-end.ts';
import { PushStreams } from '../web/jmap/http/push-stream.ts';
import { Uploads } from '../web/jmap/http/uploads.ts';
import { JmapOfPeers } from '../web/jmap/relay/peer-handler.ts';
import { RemoteBackEnd } from '../web/jmap/relay/remote-back-end.ts';
import type { SignIns } from '../web/session/sign-ins.ts';

export interface JmapParts {
  readonly directory: Directory;
  readonly server: Server;
  readonly signIns: SignIns;
  readonly databases: ReadonlyMap<DatabaseId, MailboxDatabase>;
  readonly quotas: LiveQuotas;
  readonly sessions: SessionRegistry;
  readonly capabilities: readonly Capability[];
  /** Where uploaded blobs lie. */
  readonly uploadsFolder: string;
  /** How this server proves itself to others; missing: it is alone. */
  readonly identity?: ServerIdentity;
  /** Where other servers ask; null: none do. */
  readonly port: BackEndHttps | null;
  readonly log: Log;
}

export interface Jmap {
  readonly handlers: readonly WebHandler[];
  close(): void;
}

export async function openJmap(parts: JmapParts): Promise<Jmap> {
  const { directory, server, signIns, capabilities, log } = parts;
  const uploads = await Uploads.open({ folder: parts.uploadsFolder, log });
  const local = new LocalBackEnd({ ...parts, uploads });
  const places = new Places(directory);
  const states = new BackEndStates(directory);
  const others = new OtherServers(directory, parts.identity ?? null);
  const frontEnd = new JmapFrontEnd({
    directory,
    capabilities,
    places,
    states,
    local,
    to: (other) => (other.id === server.id ? local : others.to(other)),
  });
  parts.port?.mount(new JmapOfPeers({ directory, local, uris: frontEnd.uris }));
  const streams = new PushStreams({ directory, frontEnd, signIns, log });
  return {
    handlers: jmapHandlers({ frontEnd, streams, signIns, log }),
    close: () => {
      local.close();
      others.close();
      frontEnd.close();
      places.close();
      states.close();
      uploads.close();
    },
  };
}

/** Back ends of other servers, each made when the first mailbox there is asked for, let go when the server leaves. */
class OtherServers {
  readonly #directory: Directory;
  readonly #identity: ServerIdentity | null;
  readonly #known = new Map<ServerId, RemoteBackEnd>();
  readonly #unwatch: () => void;

  constructor(directory: Directory, identity: ServerIdentity | null) {
    this.#directory = directory;
    this.#identity = identity;
    this.#unwatch = directory.watch(({ kind, id }) => {
      // Its address or port may be another one as well.
      if (kind !== 'server' && kind !== 'client-access-server') return;
      for (const known of this.#known.keys()) if (id === null || id === known) this.#forget(known);
    });
  }

  to(server: Server): RemoteBackEnd | null {
    if (this.#identity === null || !server.backEnd) return null;
    let known = this.#known.get(server.id);
    if (known === undefined) {
      known = new RemoteBackEnd(this.#directory, this.#identity, server);
      this.#known.set(server.id, known);
    }
    return known;
  }

  close(): void {
    this.#unwatch();
    for (const id of this.#known.keys()) this.#forget(id);
  }

  #forget(id: ServerId): void {
    this.#known.get(id)?.close();
    this.#known.delete(id);
  }
}
