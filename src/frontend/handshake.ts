/** TLS of accepted connections, from the first byte or by STARTTLS, with a time limit of its own. */
import type { TLSSocketOptions } from 'node:tls';
import type { Connection } from '../wire/connection.ts';
import { idleWheel } from '../wire/timer-wheel.ts';

/**
 * @returns false when the client went away, spoke no TLS or took longer than `ms`; the connection is destroyed then
 */
export async function secure(connection: Connection, options: TLSSocketOptions, ms: number): Promise<boolean> {
  const deadline = idleWheel.deadline(() => connection.destroy());
  deadline.set(ms);
  try {
    await connection.startTls(options);
    return true;
  } catch {
    connection.destroy();
    return false;
  } finally {
    deadline.clear();
  }
}
