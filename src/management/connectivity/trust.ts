/**
 * A server is trusted when the organization's own authority vouches for it, else when one does that the machine trusts:
 * an admin may bring public certificates. Asked one after the other because Node reads the machine's whole list anew
 * (40 ms without a break) when one more is put beside it.
 */
import type { ProbeTarget } from './line-client.ts';
import { ProbeError } from './probe-error.ts';

/** `probe` is run again, from the connection on, when only the authority was unknown. @throws what `probe` does */
export async function withEitherTrust<T>(target: ProbeTarget, probe: (target: ProbeTarget) => Promise<T>): Promise<T> {
  try {
    return await probe(target);
  } catch (error) {
    const isUnknown = error instanceof ProbeError && error.fault.kind === 'certificate-authority';
    if (!isUnknown || target.trustAny || target.authorities.length === 0) throw error;
    return probe({ ...target, authorities: [] });
  }
}
