/** The HTTPS host of a running server and what is mounted on it. */
import path from 'node:path';
import type { Authenticator } from '../auth/api.ts';
import type { Configuration } from '../config/schema.ts';
import type { Directory } from '../directory/api.ts';
import type { Binding, Server } from '../directory/model.ts';
import { binding, listOf } from '../directory/settings/value-types.ts';
import { adminApi } from '../management/api/admin-api.ts';
import type { CallPlaces } from '../management/api/call-places.ts';
import type { ManagementDoor } from '../management/door.ts';
import { Failure } from '../observe/failure.ts';
import type { Log } from '../observe/log.ts';
import type { CertificateStore } from '../tls/certificates.ts';
import { appFiles } from '../web/app/app-files.ts';
import { cspReports } from '../web/csp-reports.ts';
import { discoveryHandlers } from '../web/discovery/handlers.ts';
import { HttpsHost, type WebHandler } from '../web/https-host.ts';
import { messageFrames } from '../web/message-frames.ts';
import { sessionHandler } from '../web/session/session-handler.ts';
import type { SignIns } from '../web/session/sign-ins.ts';

export interface WebParts {
  readonly directory: Directory;
  readonly server: Server;
  readonly authenticator: Authenticator;
  readonly signIns: SignIns;
  readonly certificates: CertificateStore;
  readonly bindings: readonly Binding[];
  readonly version: string;
  readonly log: Log;
  readonly door: ManagementDoor;
  readonly places: CallPlaces;
  /** JMAP's (jmap.ts). */
  readonly handlers: readonly WebHandler[];
}

/** @throws Failure CANNOT */
export function webBindings(configuration: Configuration): readonly Binding[] {
  const bindings = listOf(binding).parse(configuration.web.bindings);
  if (bindings === undefined) {
    throw new Failure(
      'CANNOT',
      `penfold.toml: \`web.bindings\` must be a list such as "0.0.0.0:443, [::]:443", not "${configuration.web.bindings}"`,
    );
  }
  return bindings;
}

/** Where the build leaves the browser app. */
const APP_FILES = path.join(import.meta.dirname, '..', '..', 'webapp', 'dist');

export async function createWebHost(parts: WebParts): Promise<HttpsHost> {
  const { directory, server, authenticator, signIns, certificates, bindings, version, log, door, places } = parts;
  return new HttpsHost({
    directory,
    server: server.id,
    bindings,
    certificates,
    handlers: [
      adminApi({ directory, authenticator, door, places, version, log }),
      ...discoveryHandlers({ directory, certificates, fqdn: server.fqdn }),
      sessionHandler(signIns, log),
      ...parts.handlers,
      messageFrames,
      cspReports(log),
      await appFiles(APP_FILES),
    ],
    log,
  });
}
