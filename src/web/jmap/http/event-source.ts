/** Push as server-sent events (RFC 8620 §7.3). */
import { once } from 'node:events';
import { Failure } from '../../../observe/failure.ts';
import type { WebExchange } from '../../https-host.ts';
import type { SignedInCaller } from './answering.ts';
import { KEEP_ALIVE_MS, PING_SECONDS, STREAM_STALLED_MS } from './limits.ts';
import type { PushStreams } from './push-stream.ts';

/** When a browser comes back behind a stream that ended; chance, so that all clients of a server do not come at once. */
const COME_BACK_MS = { least: 500, most: 2_500 } as const;
const TYPE_LIST = 1000;

interface Wish {
  /** Null: all. */
  readonly types: ReadonlySet<string> | null;
  readonly closesAfterState: boolean;
  /** Null: no pings. */
  readonly pingSeconds: number | null;
}

/** Resolves when the stream has ended. @throws Failure CLIENTBUG, UNAVAILABLE */
export async function sendEvents(exchange: WebExchange, signedIn: SignedInCaller, streams: PushStreams): Promise<void> {
  const { request, response, url } = exchange;
  const { types, closesAfterState, pingSeconds } = wishOf(url);
  const over = new AbortController();
  let wake = Promise.withResolvers<void>();
  const end = (): void => {
    over.abort();
    wake.resolve();
  };
  const stream = await streams.open(signedIn, types, { ready: () => wake.resolve(), ended: end });
  for (const signal of [exchange.signal, exchange.leaving]) {
    if (signal.aborted) end();
    signal.addEventListener('abort', end, { once: true });
  }
  const write = async (text: string): Promise<void> => {
    if (response.write(text)) return;
    // Waits for the client, for as long as that may take; what changes meanwhile is told as one.
    const stalled = AbortSignal.timeout(STREAM_STALLED_MS);
    await once(response, 'drain', { signal: AbortSignal.any([exchange.signal, stalled]) });
  };
  const quietMs = pingSeconds === null ? KEEP_ALIVE_MS : pingSeconds * 1000;
  const quiet = setInterval(() => {
    // One who does not read gets no pings on top.
    if (response.writableNeedDrain) return;
    response.write(pingSeconds === null ? ':\n\n' : `event: ping\ndata: {"interval":${pingSeconds}}\n\n`);
  }, quietMs);
  try {
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      // Proxies that would hold the stream back (nginx).
      'x-accel-buffering': 'no',
    });
    const { least, most } = COME_BACK_MS;
    await write(`retry: ${Math.round(least + Math.random() * (most - least))}\n\n`);
    const last = request.headers['last-event-id'];
    let changed = last === undefined || last === '' || last === stream.eventId ? null : stream.all();
    while (!over.signal.aborted) {
      changed ??= stream.take();
      if (changed === null) {
        wake = Promise.withResolvers();
        // A state that came between `take` and this has no other sign.
        changed = stream.take();
        if (changed === null) await wake.promise;
        continue;
      }
      const data = JSON.stringify({ '@type': 'StateChange', changed });
      changed = null;
      await write(`event: state\nid: ${stream.eventId}\ndata: ${data}\n\n`);
      quiet.refresh();
      if (closesAfterState) break;
    }
  } catch (error) {
    if (!isGone(error)) throw error;
    response.destroy();
  } finally {
    clearInterval(quiet);
    stream.close();
    response.end();
  }
}

const isGone = (error: unknown): boolean =>
  error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError' || error instanceof Failure);

/** @throws Failure CLIENTBUG */
function wishOf(url: URL): Wish {
  const { searchParams } = url;
  const types = searchParams.get('types') ?? '*';
  const closeAfter = searchParams.get('closeafter') ?? 'no';
  const ping = searchParams.get('ping') ?? '0';
  if (types.length > TYPE_LIST || !/^(\*|[A-Za-z][A-Za-z0-9]*(,[A-Za-z][A-Za-z0-9]*)*)$/.test(types))
    throw new Failure('CLIENTBUG', 'types must be * or names of data types with commas between');
  if (closeAfter !== 'state' && closeAfter !== 'no')
    throw new Failure('CLIENTBUG', 'closeafter must be "state" or "no"');
  if (!/^[0-9]{1,9}$/.test(ping)) throw new Failure('CLIENTBUG', 'ping must be a number of seconds');
  const seconds = Number(ping);
  return {
    types: types === '*' ? null : new Set(types.split(',')),
    closesAfterState: closeAfter === 'state',
    pingSeconds: seconds === 0 ? null : Math.min(PING_SECONDS.most, Math.max(PING_SECONDS.least, seconds)),
  };
}
