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
import type { FrontEndService } from '../frontend/front-end.ts';
import { Failure } from '../observe/failure.ts';
import type { Log } from '../observe/log.ts';
import type { CertificateStore } from '../tls/certificates.ts';
import { appFiles } from '../web/app/app-files.ts';
import { cspReports } from '../web/csp-reports.ts';
import { discoveryHandlers } from '../web/discovery/handlers.ts';
import { HttpRedirect } from '../web/http-redirect.ts';
import { HttpsHost, type WebHandler } from '../web/https-host.ts';
import { messageFrames } from '../web/message-frames.ts';
import { sessionHandler } from '../web/session/session-handler.ts';
import type { SignIns } from '../web/session/sign-ins.ts';

export interface WebBindings {
  readonly https: readonly Binding[];
  /** Plain HTTP that is sent to HTTPS. */
  readonly redirect: readonly Binding[];
}

export interface WebParts {
  readonly directory: Directory;
  readonly server: Server;
  readonly authenticator: Authenticator;
  readonly signIns: SignIns;
  readonly certificates: CertificateStore;
  readonly bindings: WebBindings;
  readonly version: string;
  readonly log: Log;
  readonly door: ManagementDoor;
  readonly places: CallPlaces;
  /** JMAP's (jmap.ts). */
  readonly handlers: readonly WebHandler[];
}

/** @throws Failure CANNOT */
export function webBindings(configuration: Configuration): WebBindings {
  const { bindings, redirect_bindings: redirect } = configuration.web;
  return {
    https: bindingsOf('web.bindings', bindings, '0.0.0.0:443, [::]:443'),
    redirect: bindingsOf('web.redirect_bindings', redirect, '0.0.0.0:80, [::]:80'),
  };
}

function bindingsOf(key: string, text: string, example: string): readonly Binding[] {
  const bindings = listOf(binding).parse(text);
  if (bindings !== undefined) return bindings;
  throw new Failure('CANNOT', `penfold.toml: \`${key}\` must be a list such as "${example}", not "${text}"`);
}

/** Where the build leaves the browser app. */
const APP_FILES = path.join(import.meta.dirname, '..', '..', 'webapp', 'dist');

export async function createWebHost(parts: WebParts): Promise<FrontEndService> {
  const { directory, server, authenticator, signIns, certificates, bindings, version, log, door, places } = parts;
  const https = new HttpsHost({
    directory,
    server: server.id,
    bindings: bindings.https,
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
  const redirect = new HttpRedirect({
    directory,
    server: server.id,
    fqdn: server.fqdn,
    // Nowhere to send anybody: no port is opened for it.
    bindings: bindings.https.length === 0 ? [] : bindings.redirect,
    httpsPort: () => https.listening[0]?.port ?? null,
    log,
  });
  return {
    get listening() {
      return https.listening;
    },
    get problems() {
      return [...https.problems, ...redirect.problems];
    },
    start: async () => {
      await https.start();
      await redirect.start();
    },
    settled: async () => {
      await Promise.all([https.settled(), redirect.settled()]);
    },
    drain: async (ms) => {
      await Promise.all([https.drain(ms), redirect.drain(ms)]);
    },
  };
}
