/** Sign-ins over plain HTTP on a free port, for tests of what stands behind them: the host's TLS is not needed there. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type OutgoingHttpHeaders, request, type Server } from 'node:http';
import { type Argon2, nodeArgon2 } from '../../src/auth/argon2id.ts';
import { createAuthenticator } from '../../src/auth/authenticator.ts';
import { Throttle, THROTTLE_LIMITS } from '../../src/auth/throttle.ts';
import { UseNotes } from '../../src/auth/use-notes.ts';
import type { Directory } from '../../src/directory/api.ts';
import { openSqliteDirectory } from '../../src/directory/engine/sqlite/directory.ts';
import type { Account, Credentials } from '../../src/directory/model.ts';
import { Failure } from '../../src/observe/failure.ts';
import type { Log } from '../../src/observe/log.ts';
import type { WebExchange } from '../../src/web/https-host.ts';
import { problemOf, sendProblem } from '../../src/web/problem.ts';
import { sessionHandler } from '../../src/web/session/session-handler.ts';
import { challenge, type SignedIn, SignIns } from '../../src/web/session/sign-ins.ts';

export const HOST = 'mail.example.org';
/** Verifiers of a test need no strength. */
export const CHEAP = { parameters: { memory: 64, passes: 1, parallelism: 1 }, iterations: 4096 };
const cheap: Argon2 = (input) => nodeArgon2({ ...input, memory: Math.min(input.memory, 64), passes: 1 });

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Record<string, unknown>;
}

/** `/session` as it is; `/who` tells who has signed in; `/socket` asks as a WebSocket upgrade would. */
export class SignInHost {
  readonly directory: Directory;
  readonly ann: Account;
  readonly signIns: SignIns;
  readonly uses: UseNotes;
  /** What was logged. */
  readonly lines: string[] = [];
  /** ms since 1970. */
  now: number;
  /** Who was there last. */
  last: SignedIn | null = null;
  readonly #server: Server;

  /** With one account, ann, whose password the verifiers are of. */
  static async open(credentials: Credentials): Promise<SignInHost> {
    const clock = { now: Date.now() };
    const directory = await openSqliteDirectory({ file: ':memory:', now: () => clock.now });
    await directory.addDomain({ name: 'example.org', type: 'Authoritative', isDefault: true });
    const ann = await directory.addAccount({
      kind: 'user',
      displayName: 'Ann',
      alias: 'ann',
      userPrincipalName: 'ann@example.org',
      mailbox: null,
      credentials,
    });
    const host = new SignInHost(directory, ann, clock);
    host.#server.listen(0, '127.0.0.1');
    await once(host.#server, 'listening');
    return host;
  }

  private constructor(directory: Directory, ann: Account, clock: { now: number }) {
    this.directory = directory;
    this.ann = ann;
    this.now = clock.now;
    Object.defineProperty(clock, 'now', { get: () => this.now });
    const keep = (fields: object, text: string): void => {
      this.lines.push(JSON.stringify({ ...fields, text }));
    };
    const log: Log = { debug: keep, info: keep, warn: keep, error: keep, child: () => log };
    const now = (): number => this.now;
    this.uses = new UseNotes({ directory, now });
    const authenticator = createAuthenticator({
      directory,
      log,
      throttle: new Throttle(THROTTLE_LIMITS, now),
      uses: this.uses,
      hash: cheap,
      now,
      delay: async () => {},
    });
    this.signIns = new SignIns({ directory, authenticator, uses: this.uses, log, now });
    const handler = sessionHandler(this.signIns, log);
    this.#server = createServer((asked, response) => {
      const exchange: WebExchange = {
        request: asked,
        response,
        url: new URL(asked.url ?? '/', `https://${HOST}`),
        remoteAddress: '192.0.2.1',
        signal: new AbortController().signal,
        leaving: new AbortController().signal,
      };
      void (exchange.url.pathname === handler.prefix ? handler.handle(exchange) : this.#answer(exchange));
    });
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await this.uses.close();
    await this.directory.close();
  }

  ask(method: string, target: string, headers: OutgoingHttpHeaders, body = ''): Promise<Reply> {
    const address = this.#server.address();
    assert.ok(address !== null && typeof address === 'object');
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    const outgoing = request(
      { host: '127.0.0.1', port: address.port, method, path: target, headers, agent: false },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: text === '' ? {} : Object.fromEntries(Object.entries(JSON.parse(text))),
          }),
        );
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
    return promise;
  }

  async #answer(exchange: WebExchange): Promise<void> {
    const { request: asked, response, url } = exchange;
    try {
      this.last = await this.signIns.signedIn(url.pathname === '/socket' ? { ...exchange, response: null } : exchange);
      const { user, via, webSession } = this.last;
      response.end(JSON.stringify({ user: user.alias, via, webSession }));
    } catch (error) {
      assert.ok(error instanceof Failure, String(error));
      const one = problemOf(error);
      sendProblem(response, { ...one }, one.status === 401 ? challenge(asked.headers) : {});
    }
  }
}
