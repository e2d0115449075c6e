/** Where clients on this machine reach the front ends now, and whether a binding could be opened. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Binding, ReceiveConnector } from '../directory/model.ts';
import type { FrontDoor } from '../management/services-of-instance.ts';
import type { ListenerFacts } from '../management/control/api.ts';

/** An address that can be connected to: a wildcard stands for loopback. */
export function doorOf(listener: ListenerFacts): FrontDoor {
  const { host, port, security } = listener;
  return { host: host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host, port, security };
}

/** The first door a person may submit at: a connector for users that logs on behind TLS; SSL before STARTTLS. */
export function submissionDoor(
  connectors: readonly ReceiveConnector[],
  listeners: readonly ListenerFacts[],
): FrontDoor | null {
  const forUsers = connectors.filter(
    (one) => one.enabled && one.permissionGroups.includes('ExchangeUsers') && one.authMechanism.includes('BasicAuth'),
  );
  const bound = (bindings: readonly Binding[], listener: ListenerFacts): boolean =>
    bindings.some((one) => one.port === listener.port && one.address === listener.host);
  const found =
    listeners.find((each) => each.security === 'ssl' && forUsers.some((one) => bound(one.implicitTlsBindings, each))) ??
    listeners.find((each) => each.security === 'starttls' && forUsers.some((one) => bound(one.bindings, each)));
  return found === undefined ? null : doorOf(found);
}

/** Null: it can be opened, or is open already by `own`. Else why not, in words that follow "cannot listen on …". */
export async function bindingProblem(binding: Binding, own: readonly ListenerFacts[]): Promise<string | null> {
  const { address, port } = binding;
  if (port === 0 || own.some((one) => one.host === address && one.port === port)) return null;
  if (!isLocal(address)) return 'this machine has no such address';
  const server = createServer();
  try {
    server.listen({ host: address, port, ipv6Only: address.includes(':') });
    await once(server, 'listening');
    return null;
  } catch (error) {
    const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
    switch (code) {
      case 'EADDRINUSE':
        return 'the port is taken by another program';
      case 'EACCES':
        return 'ports below 1024 need a privilege that the server does not have';
      case 'EAFNOSUPPORT':
      case 'EADDRNOTAVAIL':
        // A machine without IPv6: setup's own defaults name [::], and nobody misses it there.
        return address === '::' ? null : 'this machine has no such address';
      default:
        return `it cannot be opened (${String(code)})`;
    }
  } finally {
    server.close();
  }
}

function isLocal(address: string): boolean {
  if (address === '0.0.0.0' || address === '::' || address.startsWith('127.') || address === '::1') return true;
  return Object.values(networkInterfaces()).some((list) => list?.some((one) => one.address === address) === true);
}
