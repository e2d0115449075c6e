/**
 * Bytes between a client and the back end of another server, both ways, unread: whatever the protocol says is said by
 * the two ends. What one side does not take holds the other one up (back-pressure). A pair of plain objects a session
 * and no suspended frame: ten thousand idle sessions pay for every byte kept here (ADR 8).
 */
import type { Socket } from 'node:net';
import type { Connection } from '../../wire/connection.ts';
import { quietMemory } from '../../wire/quiet-memory.ts';
import type { SocketListeners } from '../../wire/socket-facts.ts';
import { idleWheel, type Timed } from '../../wire/timer-wheel.ts';
import { wakefulness } from '../../wire/wakefulness.ts';

/** Bytes that wait for one side before the other one is no longer read. */
export const RELAY_BACKLOG_BYTES = 256 * 1024;
/** Pieces from this size on are part of something long: what comes in one turn of the loop is written at once. */
const GATHERED_BYTES = 8 * 1024;
/** How long the second side may take to end once the first one has. */
export const RELAY_CLOSE_MS = 5_000;

/** Who has to do with a relayed session besides its two ends. */
export interface RelayHost {
  /** Bytes came from the back end: it lives. */
  heard(): void;
  /** The back end has ended the session: calls `leave` when it is the client's turn to be told. */
  departing(leave: () => void): void;
  /** Both sides are gone. Once. */
  over(): void;
}

/** One side. */
class Side {
  readonly socket: Socket;
  readonly relay: Relay;
  closed = false;

  constructor(socket: Socket, relay: Relay) {
    this.socket = socket;
    this.relay = relay;
  }
}

const sides = new WeakMap<Socket, Side>();

function sideOf(socket: Socket): Side {
  const side = sides.get(socket);
  if (side === undefined) throw new Error('a socket without its relay');
  return side;
}

/** Shared by all relays: none has listeners of its own. */
const listeners: SocketListeners = {
  data(chunk) {
    const side = sideOf(this);
    side.relay.received(side, chunk);
  },
  drain() {
    const side = sideOf(this);
    side.relay.otherOf(side).socket.resume();
  },
  end() {
    const side = sideOf(this);
    side.relay.ended(side);
  },
  close() {
    const side = sideOf(this);
    side.relay.closed(side);
  },
  /** `close` follows. */
  error() {},
};

export class Relay implements Timed {
  due = 0;
  readonly #client: Side;
  readonly #backEnd: Side;
  readonly #host: RelayHost;
  #over = false;

  /** Both connections are given away to it. */
  constructor(client: Connection, backEnd: Connection, host: RelayHost) {
    this.#host = host;
    const fromClient = client.release();
    const fromBackEnd = backEnd.release();
    this.#client = new Side(fromClient.socket, this);
    this.#backEnd = new Side(fromBackEnd.socket, this);
    this.#attach(this.#client);
    this.#attach(this.#backEnd);
    if (fromClient.unread.length > 0) this.#backEnd.socket.write(fromClient.unread);
    if (fromBackEnd.unread.length > 0) this.#client.socket.write(fromBackEnd.unread);
    // What ended before it came here is heard of by nobody else.
    for (const side of [this.#client, this.#backEnd]) {
      if (side.socket.closed) this.closed(side);
      else if (side.socket.readableEnded) this.ended(side);
      else side.socket.resume();
    }
  }

  /** At once. */
  cut(): void {
    this.#backEnd.socket.destroy();
    this.#client.socket.destroy();
  }

  received(from: Side, chunk: Buffer): void {
    quietMemory.heard();
    wakefulness?.heard();
    if (from === this.#backEnd) this.#host.heard();
    const { socket } = this.otherOf(from);
    if (!socket.writable) return;
    if (chunk.length >= GATHERED_BYTES && socket.writableCorked === 0) {
      socket.cork();
      setImmediate(uncork, socket);
    }
    socket.write(chunk);
    if (socket.writableLength >= RELAY_BACKLOG_BYTES) from.socket.pause();
  }

  /** Nothing more comes from there: the other side hears what is on its way, then the same. */
  ended(side: Side): void {
    if (side === this.#client) this.#end(this.#backEnd);
    else if (this.#client.socket.readableEnded || this.#client.closed) this.#end(this.#client);
    else this.#host.departing(() => this.#end(this.#client));
  }

  closed(side: Side): void {
    if (side.closed) return;
    side.closed = true;
    const other = this.otherOf(side);
    if (other.closed) {
      this.#finish();
      return;
    }
    // A back end that was lost has not ended its stream: its client is told in its turn like all others.
    if (!side.socket.readableEnded) this.ended(side);
    // Nobody takes what still comes.
    other.socket.resume();
  }

  otherOf(side: Side): Side {
    return side === this.#client ? this.#backEnd : this.#client;
  }

  /** The other side did not end in time. */
  fire(): void {
    this.cut();
  }

  #attach(side: Side): void {
    const { socket } = side;
    sides.set(socket, side);
    // One side may have said all while the other one still answers.
    socket.allowHalfOpen = true;
    socket.on('data', listeners.data).on('drain', listeners.drain).on('end', listeners.end);
    socket.on('close', listeners.close).on('error', listeners.error);
  }

  #end({ socket }: Side): void {
    socket.end();
    if (!this.#over) idleWheel.set(this, RELAY_CLOSE_MS);
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    idleWheel.clear(this);
    this.#host.over();
  }
}

const uncork = (socket: Socket): void => socket.uncork();
