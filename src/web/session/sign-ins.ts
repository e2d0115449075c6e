/**
 * Who has signed in: by the cookie of a web session or by HTTP Basic (RFC 7617) with each request. Sessions are rows of
 * the directory (web-session.ts), asked as this process knows them, so a request costs no query. Handlers ask here and
 * nowhere else. No token, password or cookie is logged.
 */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { refusalOf } from '../../auth/admission.ts';
import type { Authenticator } from '../../auth/api.ts';
import { refusedNow } from '../../auth/still-allowed.ts';
import type { UseNotes } from '../../auth/use-notes.ts';
import type { Directory } from '../../directory/api.ts';
import type { Account } from '../../directory/model.ts';
import {
  USER_AGENT_CHARACTERS,
  type WebSession,
  webSessionExpiry,
  type WebSessionTokens,
} from '../../directory/web-session.ts';
import { Failure } from '../../observe/failure.ts';
import type { Log } from '../../observe/log.ts';
import { basicCredentials } from './basic.ts';
import { newToken, readCookie, sameDigest, type SessionCookie, tokenDigest, writeCookie } from './cookie.ts';
import { checkNotForeign, checkSameOrigin, isFromApp, type RequestKind } from './same-origin.ts';

/** A token that is older gets a successor. */
export const TOKEN_ROTATION_MS = 86_400_000;
/** How long the one before holds once the browser has come with the new one: requests that were on their way. */
export const TOKEN_OVERLAP_MS = 60_000;
/** A successor that never came back (its answer was lost) is replaced after so long. */
export const TOKEN_OFFER_MS = 5 * 60_000;
/** Streams look so often whether their session has run out; what ends it otherwise is noticed at once. */
const EXPIRY_CHECK_MS = 10 * 60_000;

/** What HTTP programs without credentials are told with 401 (RFC 9110 §11.6.1). */
const CHALLENGE = 'Basic realm="Penfold", charset="UTF-8"';

/** The browser would put its own window over the sign-in page of the app, so the app is not told. */
export const challenge = (headers: IncomingHttpHeaders): Readonly<Record<string, string>> =>
  isFromApp(headers) ? {} : { 'www-authenticate': CHALLENGE };

export interface SignedIn {
  readonly user: Account;
  /** Id; null: a password came with the request. */
  readonly webSession: string | null;
  readonly via: 'cookie' | 'basic';
  /** Id of the app password that came with the request; null: there was none. */
  readonly appPassword: string | null;
}

/** The part of an exchange that says who asks. */
export interface Asking {
  readonly request: IncomingMessage;
  /** Takes a new cookie when one is due. Null: a WebSocket upgrade. */
  readonly response: ServerResponse | null;
  readonly remoteAddress: string;
}

export interface SignInsOptions {
  readonly directory: Directory;
  readonly authenticator: Authenticator;
  readonly uses: UseNotes;
  readonly log: Log;
  /** ms since 1970. */
  readonly now?: () => number;
}

type KnownSession = WebSession & WebSessionTokens;

const notSignedIn = (): Failure => new Failure('AUTHENTICATIONFAILED', 'Sign in first.');
const sessionOver = (): Failure => new Failure('AUTHENTICATIONFAILED', 'Your session has ended. Sign in again.');

export class SignIns {
  readonly #options: SignInsOptions;
  readonly #now: () => number;

  constructor(options: SignInsOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** @throws Failure AUTHENTICATIONFAILED (401), NOPERM (a foreign page), LIMIT (locked out), CONTACTADMIN, UNAVAILABLE */
  async signedIn(asking: Asking): Promise<SignedIn> {
    const { headers } = asking.request;
    if (headers.authorization !== undefined) return this.#byPassword(asking);
    const cookie = readCookie(headers.cookie);
    if (cookie === null) throw notSignedIn();
    checkSameOrigin(headers, kindOf(asking));
    const session = await this.#sessionOf(cookie);
    if (session === null) throw sessionOver();
    const user = await this.#mayStill(session);
    await this.#rotate(asking, session, cookie);
    this.#options.uses.note({
      account: user.id,
      protocol: 'web',
      clientAddress: asking.remoteAddress,
      program: headers['user-agent'] ?? '',
      appPassword: null,
      webSession: session.id,
    });
    return { user, webSession: session.id, via: 'cookie', appPassword: null };
  }

  /** The right password was typed at the sign-in page: a new session, and its cookie. */
  async open(
    asking: Asking,
    given: { readonly user: string; readonly password: string; readonly remember: boolean },
  ): Promise<{ readonly user: Account; readonly cookie: string }> {
    const { directory, authenticator, log } = this.#options;
    const userAgent = (asking.request.headers['user-agent'] ?? '').slice(0, USER_AGENT_CHARACTERS);
    const { account: user } = await authenticator.password(given.user, given.password, {
      protocol: 'web',
      remoteAddress: asking.remoteAddress,
      encrypted: true,
      channelBinding: null,
      program: userAgent,
    });
    // Whatever session the browser had before: nobody goes on with it (session fixation).
    await this.close(asking);
    const token = newToken();
    const session = await directory.addWebSession({
      account: user.id,
      token: tokenDigest(token),
      userAgent,
      clientAddress: asking.remoteAddress,
      isRemembered: given.remember,
    });
    log.info({ account: user.userPrincipalName, webSession: session.id, address: asking.remoteAddress }, 'signed in');
    return { user, cookie: this.#cookie(session, { account: user.id, token }) };
  }

  /** Sign-out; without a session there is nothing to do. */
  async close(asking: Asking): Promise<void> {
    const cookie = readCookie(asking.request.headers.cookie);
    const session = cookie === null ? null : await this.#sessionOf(cookie);
    if (session === null) return;
    await this.#options.directory.signOut(session);
    this.#options.log.info({ webSession: session.id, address: asking.remoteAddress }, 'signed out');
  }

  /**
   * For streams: `ended` is called once when who is there could not sign in any more, within a second of what ended it.
   * Returns the way to stop watching.
   */
  whileSignedIn(who: SignedIn, ended: (reason: string) => void): () => void {
    const { directory, log } = this.#options;
    let isOver = false;
    const stop = (): void => {
      isOver = true;
      clearInterval(timer);
      unwatch();
    };
    const look = (): void => {
      this.#endedNow(who).then(
        (reason) => {
          if (reason === null || isOver) return;
          stop();
          ended(reason);
        },
        (error: unknown) => log.error({ err: error }, 'a web session could not be checked behind a change'),
      );
    };
    const unwatch = directory.watch(({ kind, id }) => {
      if ((id === null || id === who.user.id) && CONCERNS.has(kind)) look();
    });
    const timer = setInterval(look, EXPIRY_CHECK_MS);
    timer.unref();
    // What was announced before the watch began was heard by nobody.
    look();
    return stop;
  }

  async #endedNow(who: SignedIn): Promise<string | null> {
    const { directory } = this.#options;
    const { id } = who.user;
    const refused = await refusedNow(directory, {
      account: id,
      mailbox: id,
      protocol: 'web',
      jmap: true,
      appPassword: who.appPassword,
    });
    if (refused !== null) return refused.failure.message;
    if (who.webSession === null) return null;
    const session = (await directory.webSessionTokens(id)).find((one) => one.id === who.webSession);
    return session === undefined || (await this.#isOver(session)) ? sessionOver().message : null;
  }

  async #byPassword({ request, remoteAddress }: Asking): Promise<SignedIn> {
    const { headers } = request;
    checkNotForeign(headers);
    const credentials = basicCredentials(headers.authorization);
    if (credentials === null)
      throw new Failure('AUTHENTICATIONFAILED', 'Send user name and password as HTTP Basic, or sign in for a cookie.');
    const logon = await this.#options.authenticator.password(credentials.user, credentials.password, {
      protocol: 'web',
      jmap: true,
      remoteAddress,
      encrypted: true,
      channelBinding: null,
      program: (headers['user-agent'] ?? '').slice(0, USER_AGENT_CHARACTERS),
    });
    return { user: logon.account, webSession: null, via: 'basic', appPassword: logon.appPassword?.id ?? null };
  }

  /** Null: ended, expired, or never ours. */
  async #sessionOf(cookie: SessionCookie): Promise<KnownSession | null> {
    const digest = tokenDigest(cookie.token);
    const known = await this.#options.directory.webSessionTokens(cookie.account);
    const session = known.find((one) => holds(one, digest, this.#now()));
    return session === undefined || (await this.#isOver(session)) ? null : session;
  }

  async #isOver(session: WebSession): Promise<boolean> {
    if (webSessionExpiry(session) > this.#now()) return false;
    // Nobody announces a use: another server may know of a later one.
    const fresh = await this.#options.directory.webSessions(session.account);
    return !fresh.some((one) => one.id === session.id && webSessionExpiry(one) > this.#now());
  }

  /** The rules of a logon once more. @throws Failure */
  async #mayStill(session: WebSession): Promise<Account> {
    const { directory } = this.#options;
    const user = await directory.account(session.account);
    if (user === null) throw sessionOver();
    const refused = refusalOf(user, await directory.clientAccess(user.id), 'web');
    if (refused !== null) throw refused.failure;
    return user;
  }

  /**
   * The browser is given a successor of its token once a day. The token it came with holds until the successor was
   * seen, and a moment longer: an answer may be lost, and other requests are under way.
   */
  async #rotate({ response }: Asking, session: KnownSession, cookie: SessionCookie): Promise<void> {
    const { directory, log } = this.#options;
    const now = this.#now();
    const digest = tokenDigest(cookie.token);
    try {
      if (session.offered !== null && sameDigest(session.offered, digest)) {
        await directory.adoptWebSessionToken(session, digest, now + TOKEN_OVERLAP_MS);
        return;
      }
      const isDue = now - session.tokenAt >= TOKEN_ROTATION_MS && now - session.offeredAt >= TOKEN_OFFER_MS;
      if (!isDue || response === null || response.headersSent || !sameDigest(session.token, digest)) return;
      const token = newToken();
      if (await directory.offerWebSessionToken(session, tokenDigest(token), now - TOKEN_OFFER_MS))
        response.appendHeader('set-cookie', this.#cookie(session, { account: session.account, token }));
    } catch (error) {
      // The directory takes no writes now; the token that is there goes on.
      if (!(error instanceof Failure)) throw error;
      log.warn({ webSession: session.id, code: error.code }, 'the token of a web session could not be renewed');
    }
  }

  #cookie(session: WebSession, cookie: SessionCookie): string {
    const life = webSessionExpiry({ createdAt: session.createdAt, lastUsedAt: Number.MAX_SAFE_INTEGER });
    return writeCookie(cookie, session.isRemembered ? (life - this.#now()) / 1000 : null);
  }
}

const CONCERNS: ReadonlySet<string> = new Set(['account', 'web-session', 'app-password']);

const holds = (session: WebSessionTokens, digest: Uint8Array, now: number): boolean =>
  sameDigest(session.token, digest) ||
  (session.offered !== null && sameDigest(session.offered, digest)) ||
  (session.former !== null && now < session.formerUntil && sameDigest(session.former, digest));

function kindOf({ request, response }: Asking): RequestKind {
  if (response === null) return 'socket';
  return request.method === 'GET' || request.method === 'HEAD' ? 'read' : 'change';
}
