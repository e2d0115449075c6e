/**
 * Moves of mailboxes on this server: the schedule that works on requests for databases open here, the departures of
 * mailboxes that leave, and the port where back ends of other servers ask for them. Alone (no identity) a server moves
 * between its own databases.
 */
import { BackEndHttps } from '../backend/http/host.ts';
import { PeerClient } from '../backend/http/client.ts';
import { Departures } from '../backend/moves/departures.ts';
import type { MoveOrder, MoveSource } from '../backend/moves/move-source.ts';
import { MovesOfPeers, RemoteSource } from '../backend/moves/peer-moves.ts';
import { MoveSchedule } from '../backend/moves/schedule.ts';
import type { SessionRegistry } from '../backend/sessions.ts';
import type { Directory } from '../directory/api.ts';
import type { MoveRequest } from '../directory/move-request.ts';
import type { DatabaseId, Server } from '../directory/model.ts';
import { Placement } from '../directory/placement.ts';
import { Failure } from '../observe/failure.ts';
import type { Log } from '../observe/log.ts';
import { type MailboxDatabase, OwnedElsewhere } from '../store/api.ts';
import type { ServerIdentity } from '../tls/server-identity.ts';

export interface MovesParts {
  readonly directory: Directory;
  readonly server: Server;
  readonly identity?: ServerIdentity;
  readonly databases: ReadonlyMap<DatabaseId, MailboxDatabase>;
  readonly sessions: SessionRegistry;
  readonly log: Log;
}

export interface Moves {
  readonly port: BackEndHttps | null;
  start(): Promise<void>;
  /** Moves stand still from now on. */
  stop(): Promise<void>;
  close(): Promise<void>;
}

export function openMoves(parts: MovesParts): Moves {
  const { directory, server, identity, databases, sessions, log } = parts;
  const departures = new Departures({ directory, databases: () => databases, sessions, log });
  const placement = new Placement(directory);
  const port =
    identity === undefined || !server.backEnd
      ? null
      : new BackEndHttps({ directory, server, identity, handlers: [new MovesOfPeers(departures, directory)], log });
  const schedule = new MoveSchedule({
    directory,
    server: server.id,
    databases: () => databases,
    openSource: (request) => openSource({ ...parts, departures, placement }, request),
    log,
  });
  return {
    port,
    start: async () => {
      await port?.start();
      schedule.start();
    },
    stop: async () => {
      await schedule.stop();
      await port?.close();
    },
    close: async () => {
      placement.close();
      await departures.close();
    },
  };
}

interface Reach extends MovesParts {
  readonly departures: Departures;
  readonly placement: Placement;
}

/** Here, or on the server that has it; whoever has it says so. @throws Failure UNAVAILABLE */
async function openSource(reach: Reach, { id, fence, source, mailbox }: MoveRequest): Promise<MoveSource> {
  const { databases, departures, placement, server } = reach;
  const order: MoveOrder = { move: id, fence, database: source, mailbox };
  const { servers } = await placement.topology();
  const candidates = [...(await placement.of({ id: mailbox, database: source }))];
  // A database that is open here is asked first: it costs nothing.
  if (databases.has(source)) candidates.sort((a, b) => Number(b.id === server.id) - Number(a.id === server.id));
  let last: unknown = new Failure('UNAVAILABLE', 'No back end serves the source database of this move.');
  const asked = new Set<string>();
  for (let next = candidates.shift(); next !== undefined; next = candidates.shift()) {
    if (asked.has(next.id)) continue;
    asked.add(next.id);
    try {
      return next.id === server.id ? await departures.begin(order) : await beginOn(reach, next, order);
    } catch (error) {
      last = error;
      if (error instanceof OwnedElsewhere) {
        const owner = [...servers.values()].find((one) => one.id === error.owner);
        if (owner !== undefined) candidates.unshift(owner);
      } else if (!(error instanceof Failure && error.code === 'UNAVAILABLE')) throw error;
    }
  }
  throw last;
}

async function beginOn({ directory, identity }: Reach, peer: Server, order: MoveOrder): Promise<MoveSource> {
  if (identity === undefined) throw new Failure('UNAVAILABLE', `This server has no identity to ask ${peer.name} with.`);
  const client = new PeerClient(directory, identity, peer);
  try {
    return await RemoteSource.begin(client, order);
  } catch (error) {
    client.close();
    throw error;
  }
}
