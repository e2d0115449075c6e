/** TLS of accepted connections, from the first byte or by STARTTLS, with a time limit of its own. */
import type { SecureContextOptions, TLSSocketOptions } from 'node:tls';
import type { Connection } from '../wire/connection.ts';
import { idleWheel } from '../wire/timer-wheel.ts';

/**
 * Certificate and key for the name a client asks for (SNI), null: it asked for none; then the one of
 * X509CertificateName. Asked for each handshake, so that a new certificate needs no restart; returns the same object
 * while nothing changed.
 */
export type Certificates = (serverName: string | null, x509CertificateName: string | null) => SecureContextOptions;

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
