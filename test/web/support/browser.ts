/** Chromium for tests: Debian's, with no network but the server under test, and a log of what it tried. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { connect } from 'node:tls';
import { type Browser, chromium } from 'playwright-core';
import * as v from 'valibot';

const ROOT = path.resolve(import.meta.dirname, '..', '..', '..');
const CHROMIUM = process.env.PENFOLD_CHROMIUM ?? '/usr/bin/chromium';

/** Reason to skip, or false: for `describe('…', { skip: webMissing() }, …)`. */
export function webMissing(): string | false {
  if (!existsSync(CHROMIUM)) return 'chromium is not installed (Debian package chromium)';
  return existsSync(path.join(ROOT, 'webapp', 'dist', 'index.html'))
    ? false
    : 'the web app is not built: npm run build';
}

export interface BrowserOptions {
  /** Of the server under test: the one certificate that is trusted besides those of the system. */
  readonly port: number;
  readonly ca: string;
  /** Where Chromium writes all it does on the network; complete when it has been closed. */
  readonly networkLog: string;
}

export async function launchBrowser({ port, ca, networkLog }: BrowserOptions): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      // In containers there is no user namespace for its sandbox; what runs here is ours.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      `--ignore-certificate-errors-spki-list=${await publicKeyHash(port, ca)}`,
      // Nothing can leave the machine, and every try stands in the log.
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
      `--log-net-log=${networkLog}`,
      '--disable-features=DialMediaRouteProvider,OptimizationHints,MediaRouter',
    ],
  });
}

/** Of the certificate that the server shows, which is checked against the authority here: the browser takes its key alone. */
async function publicKeyHash(port: number, ca: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', servername: 'localhost', port, ca });
  await once(socket, 'secureConnect');
  const certificate = socket.getPeerX509Certificate();
  socket.destroy();
  if (certificate === undefined) throw new Error('the server shows no certificate');
  return createHash('sha256')
    .update(certificate.publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64');
}

const networkLogSchema = v.object({
  constants: v.object({ logEventTypes: v.record(v.string(), v.number()) }),
  events: v.array(
    v.object({
      type: v.number(),
      params: v.optional(
        v.looseObject({
          url: v.optional(v.string()),
          host: v.optional(v.unknown()),
          is_preconnect: v.optional(v.boolean()),
        }),
      ),
    }),
  ),
});

/**
 * Names and addresses that the browser wanted from the network, in order; `origin`'s own left out. `preconnect …`: it got
 * ready to ask and did not.
 */
export async function wantedFromNetwork(file: string, origin: string): Promise<string[]> {
  const { constants, events } = v.parse(networkLogSchema, JSON.parse(await readFile(file, 'utf8')));
  const types = constants.logEventTypes;
  const requests = new Set([
    types['URL_REQUEST_START_JOB'],
    types['HTTP_STREAM_JOB_CONTROLLER'],
    types['HOST_RESOLVER_MANAGER_REQUEST'],
  ]);
  const own = new URL(origin);
  const wanted: string[] = [];
  for (const { type, params } of events) {
    if (!requests.has(type) || params === undefined) continue;
    const { url, host, is_preconnect: isPreconnect = false } = params;
    if (url !== undefined && /^https?:/.test(url) && new URL(url).host !== own.host)
      wanted.push(isPreconnect ? `preconnect ${url}` : url);
    if (typeof host === 'string' && new URL(host.includes('://') ? host : `https://${host}`).hostname !== own.hostname)
      wanted.push(host);
  }
  return wanted;
}
