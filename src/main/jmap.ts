/** JMAP of a running server: its capabilities, the mailboxes here, the way to those elsewhere, its HTTP resources. */
import type { LiveQuotas } from '../backend/live-quotas.ts';
import type { SessionRegistry } from '../backend/sessions.ts';
import type { Directory } from '../directory/api.ts';
import type { DatabaseId, Server } from '../directory/model.ts';
import { BackEndStates } from '../frontend/back-end-states.ts';
import { Places } from '../frontend/places.ts';
import type { Log } from '../observe/log.ts';
import type { MailboxDatabase } from '../store/api.ts';
import type { WebHandler } from '../web/https-host.ts';
import type { Capability } from '../web/jmap/capability.ts';
import { JmapFrontEnd } from '../web/jmap/http/front-end.ts';
import { jmapHandlers } from '../web/jmap/http/handlers.ts';
import { LocalBackEnd } from '../web/jmap/http/local-back-end.ts';
import { PushStreams } from '../web/jmap/http/push-stream.ts';
import { Uploads } from '../web/jmap/http/uploads.ts';
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
  const frontEnd = new JmapFrontEnd({
    directory,
    capabilities,
    places,
    states,
    local,
    to: (other) => (other.id === server.id ? local : null),
  });
  const streams = new PushStreams({ directory, frontEnd, signIns, log });
  return {
    handlers: jmapHandlers({ frontEnd, streams, signIns, log }),
    close: () => {
      local.close();
      frontEnd.close();
      places.close();
      states.close();
      uploads.close();
    },
  };
}
