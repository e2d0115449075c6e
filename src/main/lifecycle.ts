/**
 * A server process from "everything listens" to its end: signals, faults nobody caught, and what systemd wants to know.
 */
import { spawn } from 'node:child_process';
import type { Log } from '../observe/log.ts';

/**
 * One Ctrl-C can arrive several times: the terminal signals the whole group, and npm and the launcher pass it on, too.
 * Only a signal that comes later than this counts as "now, please".
 */
const SAME_SIGNAL_MS = 1_000;
/** For whatever still hangs when the drain is over. */
const LAST_WORDS_MS = 3_000;

export interface Stoppable {
  /** Tells clients, waits for them at most so long, closes everything. */
  drain(ms: number): Promise<void>;
}

export interface LifeOptions {
  readonly drainMs: number;
  readonly log: Log;
  /** SIGHUP: read again what can be read again. */
  readonly reload: () => Promise<unknown>;
  /** A line for the person at the terminal. */
  readonly say: (line: string) => void;
}

/** Resolves with the exit code when the server has stopped. */
export async function liveUntilStopped(server: Stoppable, options: LifeOptions): Promise<number> {
  const { log, say } = options;
  const end = Promise.withResolvers<number>();
  let stoppedAt: number | null = null;

  const stop = (code: number): void => {
    if (stoppedAt !== null) return;
    stoppedAt = performance.now();
    notifySystemd('STOPPING=1', log);
    server.drain(options.drainMs).then(
      () => end.resolve(code),
      (error: unknown) => {
        log.error({ err: error }, 'the drain failed');
        end.resolve(1);
      },
    );
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stoppedAt === null) {
      say(`Stopping (${signal}): clients have ${options.drainMs / 1000} s to finish. Once more ends it at once.`);
      log.info({ signal }, 'stopping');
      stop(0);
    } else if (performance.now() - stoppedAt > SAME_SIGNAL_MS) {
      log.warn({ signal }, 'stopped at once');
      process.exit(signal === 'SIGINT' ? 130 : 143);
    }
  };
  const onHangUp = (): void => {
    options.reload().catch((error: unknown) => log.error({ err: error }, 'reload failed'));
  };
  // After a fault nobody caught, nothing in memory can be trusted for long: what was acknowledged is on disk already.
  const onFault = (error: unknown): void => {
    log.error({ err: error }, 'a fault that nobody caught; the server stops');
    say(`Penfold stops because of a fault: ${error instanceof Error ? error.message : String(error)}. See the log.`);
    stop(1);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  process.on('SIGHUP', onHangUp);
  process.on('uncaughtException', onFault);
  process.on('unhandledRejection', onFault);
  notifySystemd('READY=1', log);
  // A process without open sockets would end by itself: with all services stopped, the server stays for the admin.
  const alive = setInterval(() => {}, 1 << 30);
  try {
    return await end.promise;
  } finally {
    clearInterval(alive);
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
    process.off('SIGHUP', onHangUp);
    process.off('uncaughtException', onFault);
    process.off('unhandledRejection', onFault);
    setTimeout(() => process.exit(process.exitCode ?? 0), LAST_WORDS_MS).unref();
  }
}

/** sd_notify(3) by systemd's own tool: Node has no datagram Unix sockets. The unit says NotifyAccess=all for it. */
function notifySystemd(state: string, log: Log): void {
  if (process.env.NOTIFY_SOCKET === undefined) return;
  const child = spawn('systemd-notify', [`--pid=${process.pid}`, state], { stdio: 'ignore' });
  child.once('error', (error) => log.warn({ err: error, state }, 'systemd could not be told'));
}
