/**
 * Checks of a change against the machine it is for, before it is made: can the address be listened on, is there a
 * certificate for the name, how many sessions are open. What only a running server can tell is a warning where none
 * runs, or where another server is meant.
 */
import { access, constants, stat } from 'node:fs/promises';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import path from 'node:path';
import type { Directory } from '../../directory/api.ts';
import type { Binding, Server, ServiceName } from '../../directory/model.ts';
import { binding as bindingType } from '../../directory/settings/value-types.ts';
import { Failure } from '../../observe/failure.ts';
import { isNamedBy, tlsCertificateName } from '../../tls/certificate-name.ts';
import type { CmdletCall, ManagementServices } from '../cmdlet.ts';
import type { RunningServices } from '../services-of-instance.ts';

/** The running server, where it is the one that is meant. */
export function runningOn(services: ManagementServices, server: Server): RunningServices | null {
  return services.server.id === server.id ? services.running : null;
}

/** @throws Failure UNAVAILABLE with the command that starts it */
export function runningServer(services: ManagementServices): RunningServices {
  if (services.running !== null) return services.running;
  throw new Failure('UNAVAILABLE', `no server runs here. Start it: penfold serve`);
}

/** As sessions are registered: imap, pop3, smtp. */
export function openSessions(
  services: ManagementServices,
  server: Server,
  protocol: 'imap' | 'pop3' | 'smtp',
  ofUser?: (user: string) => boolean,
): number {
  const sessions = runningOn(services, server)?.sessions() ?? [];
  return sessions.filter((one) => one.protocol === protocol && (ofUser === undefined || ofUser(one.user))).length;
}

/** An address and port that something on a server already has. */
interface Claim {
  readonly binding: Binding;
  /** `SSLBindings of ImapSettings`. */
  readonly owner: string;
  readonly service: ServiceName;
}

async function claims(directory: Directory, server: Server): Promise<readonly Claim[]> {
  const found: Claim[] = [];
  const claim = (bindings: readonly Binding[], owner: string, service: ServiceName): void => {
    for (const binding of bindings) found.push({ binding, owner, service });
  };
  const [pop, imap] = [await directory.popSettings(server.id), await directory.imapSettings(server.id)];
  claim(pop.unencryptedOrTlsBindings, 'UnencryptedOrTLSBindings of PopSettings', 'pop3');
  claim(pop.sslBindings, 'SSLBindings of PopSettings', 'pop3');
  claim(imap.unencryptedOrTlsBindings, 'UnencryptedOrTLSBindings of ImapSettings', 'imap4');
  claim(imap.sslBindings, 'SSLBindings of ImapSettings', 'imap4');
  for (const connector of await directory.connectors(server.id))
    claim(
      [...connector.bindings, ...connector.implicitTlsBindings],
      `receive connector "${connector.name}"`,
      connector.transportRole === 'FrontendTransport' ? 'frontend-transport' : 'transport',
    );
  return found;
}

const isWildcard = (address: string): boolean => address === '0.0.0.0' || /^[0:]+$/.test(address);

/** The system would refuse the second of the two. Port 0 lets the system choose and meets nothing. */
function collide(a: Binding, b: Binding): boolean {
  if (a.port === 0 || a.port !== b.port) return false;
  if (a.address === b.address) return true;
  return isIP(a.address) === isIP(b.address) && (isWildcard(a.address) || isWildcard(b.address));
}

/** Loopback counts whole: the system answers on all of 127.0.0.0/8. */
function isLocal(address: string, local: readonly string[]): boolean {
  return isWildcard(address) || address.startsWith('127.') || address === '::1' || local.includes(address);
}

const sameSocket = (a: Binding, b: Binding): boolean => a.port === b.port && a.address === b.address;

/**
 * Refuses new bindings that this server could not open: another service has the port, the address belongs to another
 * machine, or the system says no (exchange-behaviour.md §3.4).
 * @throws Failure CANNOT naming what has the port
 */
export async function checkNewBindings(
  call: CmdletCall,
  change: {
    readonly server: Server;
    readonly service: ServiceName;
    /** The parameter, for the text. */
    readonly name: string;
    readonly before: readonly Binding[];
    readonly after: readonly Binding[];
  },
): Promise<void> {
  const { server, service, name } = change;
  const added = change.after.filter((one) => !change.before.some((old) => sameSocket(one, old)));
  if (added.length === 0) return;
  const refused = (one: Binding, why: string): Failure =>
    new Failure('CANNOT', `${name}: ${server.name} cannot listen on ${bindingType.format(one)}: ${why}`);
  const taken = (await claims(call.services.directory, server)).filter((claim) => claim.service !== service);
  for (const one of added) {
    const other = taken.find((claim) => collide(claim.binding, one));
    if (other !== undefined) throw refused(one, `it belongs to ${other.owner}`);
  }
  if (server.id !== call.services.server.id) {
    call.warn(`${name}: whether ${server.name} can listen there could not be checked from this server`);
    return;
  }
  const local = Object.values(networkInterfaces()).flatMap((cards) => (cards ?? []).map((card) => card.address));
  for (const one of added)
    if (!isLocal(one.address, local))
      throw refused(one, `this machine does not have the address. It has ${local.join(', ')}`);
  const { running } = call.services;
  if (running === null) {
    call.warn(`${name}: no server runs, so whether another program has the port could not be checked`);
    return;
  }
  for (const one of added) {
    const problem = await running.bindingProblem(one, service);
    if (problem !== null) throw refused(one, problem);
  }
}

/**
 * X509CertificateName must be a name that a certificate covers, or clients would get one that does not fit
 * (exchange-behaviour.md §5.9, §13).
 * @throws Failure CANNOT naming the certificates there are
 */
export function checkCertificateName(call: CmdletCall, server: Server, name: string): void {
  const running = runningOn(call.services, server);
  if (running === null) {
    call.warn(
      `X509CertificateName: ${server.name} does not run here, so whether a certificate covers ${name} could not be checked`,
    );
    return;
  }
  if (running.certificateFor(name) !== null) return;
  const there = running.certificates();
  const list = there.map((facts) => facts.names.join(', ')).join('; ');
  throw new Failure(
    'CANNOT',
    `X509CertificateName: no certificate of ${server.name} covers ${name}. There ${there.length === 1 ? 'is one' : 'are some'} for ${list}. Set [tls] certificate and key in penfold.toml, or name one of these`,
  );
}

/** A name told to clients that no certificate covers is allowed (a load balancer may have it) and worth a word. */
export function warnOfUncovered(call: CmdletCall, server: Server, names: readonly string[]): void {
  const running = runningOn(call.services, server);
  if (running === null) return;
  const seen = new Map(names.map((name) => [name.toLowerCase(), name]));
  for (const name of seen.values())
    if (isIP(name) === 0 && running.certificateFor(name) === null)
      call.warn(`no certificate of ${server.name} covers ${name}: mail programs will refuse or ask`);
}

/** A connector may name its certificate. @throws Failure CANNOT naming those there are, in the form that is taken */
export function checkTlsCertificateName(call: CmdletCall, server: Server, name: string): void {
  const running = runningOn(call.services, server);
  if (running === null) {
    call.warn(
      `TlsCertificateName: ${server.name} does not run here, so whether it has that certificate could not be checked`,
    );
    return;
  }
  const there = running.certificates();
  if (there.some((facts) => isNamedBy(facts, name))) return;
  throw new Failure(
    'CANNOT',
    `TlsCertificateName: ${server.name} has no certificate ${name}. It has ${there.map(tlsCertificateName).join('; ')}`,
  );
}

/** A log folder that the running server cannot write costs lines of the log; better said now than in the server's log. */
export async function warnOfUnwritable(call: CmdletCall, server: Server, name: string, folder: string): Promise<void> {
  if (runningOn(call.services, server) === null || !path.isAbsolute(folder)) return;
  let existing = folder;
  for (;;) {
    try {
      await access(existing, constants.W_OK);
      if ((await stat(existing)).isDirectory()) return;
      call.warn(`${name}: ${existing} is no folder`);
      return;
    } catch (error) {
      const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
      if (code === 'ENOENT' && existing !== path.dirname(existing)) {
        // The server makes what is missing below a folder it may write.
        existing = path.dirname(existing);
        continue;
      }
      call.warn(`${name}: the server cannot write in ${existing} (${String(code)})`);
      return;
    }
  }
}
