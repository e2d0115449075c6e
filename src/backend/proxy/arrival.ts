/**
 * One connection of a front end, from the greeting until a user's session begins on it. The front end is trusted with
 * who the user is, because its certificate says so; what that user may do, this server reads in its own directory.
 * Speaks the dialect of dialect.ts; the mailbox is opened by the same back end that serves this server's own front end.
 */
import { appPasswordOf, refusedNow } from '../../auth/still-allowed.ts';
import type { Directory } from '../../directory/api.ts';
import type { Account, Server } from '../../directory/model.ts';
import { PROTOCOL_NAMES } from '../../auth/admission.ts';
import type { Placement } from '../../directory/placement.ts';
import { Failure, ProtocolViolation } from '../../observe/failure.ts';
import type { Log } from '../../observe/log.ts';
import { errorName, traces } from '../../observe/traces/spans.ts';
import { OwnedElsewhere } from '../../store/api.ts';
import { type Connection, IdleTimeout } from '../../wire/connection.ts';
import type { BackendLink, BackendSession } from '../link.ts';
import type { SessionRegistry } from '../sessions.ts';
import { type ClientFacts, parseFacts } from './client-facts.ts';
import {
  badLine,
  farewellLine,
  type NamedSession,
  namedSession,
  okLine,
  parseRequest,
  PROXY_LINE_BYTES,
  proxyGreeting,
  type ProxyProtocol,
  type ProxyRequest,
  refusalLine,
} from './dialect.ts';

/** A front end may keep a connection ready for so long; it gives it up by itself long before. */
export const READY_MS = 10 * 60_000;
/** A front end that speaks another language than this is no front end of ours. */
const MISTAKES = 5;

export interface ArrivalOptions {
  readonly protocol: ProxyProtocol;
  readonly connection: Connection;
  /** Whose front end this is. */
  readonly frontEnd: Server;
  /** This one. */
  readonly server: Pick<Server, 'id' | 'name'>;
  readonly directory: Directory;
  readonly placement: Placement;
  readonly backEnd: BackendLink & { readonly sessions: SessionRegistry };
  readonly log: Log;
  /** Aborted when the back-end service stops. */
  readonly stop: AbortSignal;
}

/** Null: the connection is over without a session. */
export const serveArrival = (options: ArrivalOptions): Promise<BackendSession | null> => new Arrival(options).serve();

class Arrival {
  readonly #options: ArrivalOptions;
  #facts: ClientFacts | null = null;
  #mistakes = 0;
  #waiting = false;

  constructor(options: ArrivalOptions) {
    this.#options = options;
  }

  async serve(): Promise<BackendSession | null> {
    const { protocol, connection, server, stop, log, frontEnd } = this.#options;
    const onStop = (): void => {
      if (this.#waiting) this.#farewell('The service stops');
    };
    stop.addEventListener('abort', onStop, { once: true });
    try {
      connection.out.ascii(proxyGreeting(protocol, server.name));
      return await this.#untilSession();
    } catch (error) {
      if (error instanceof IdleTimeout) this.#farewell('Nobody was sent here for too long');
      else {
        log.error({ frontEnd: frontEnd.name, err: error }, 'a front end could not be served');
        connection.destroy();
      }
      return null;
    } finally {
      stop.removeEventListener('abort', onStop);
    }
  }

  async #untilSession(): Promise<BackendSession | null> {
    const { protocol, connection, stop } = this.#options;
    while (!stop.aborted && this.#mistakes < MISTAKES) {
      connection.idleLimit(READY_MS);
      this.#waiting = true;
      const line = await connection.readLine(PROXY_LINE_BYTES);
      this.#waiting = false;
      if (line === null || !connection.isOpen) return null;
      connection.idleLimit(null);
      const request = parseRequest(protocol, line.toString('utf8'));
      const session = await this.#answer(request);
      if (session !== null) return session === 'gone' ? null : session;
    }
    this.#farewell(stop.aborted ? 'The service stops' : 'Too many mistakes');
    return null;
  }

  async #answer(request: ProxyRequest): Promise<BackendSession | 'gone' | null> {
    const { protocol, connection } = this.#options;
    const { tag, verb, rest } = request;
    switch (verb) {
      case 'XCLIENT':
        return this.#clientFacts(tag, rest);
      case 'AUTHENTICATE':
        return this.#logon(tag, rest);
      case 'XLEAVE':
        return this.#leave(tag, rest);
      case 'NOOP':
        connection.out.ascii(okLine(protocol, tag, 'NOOP completed.'));
        return null;
      case 'QUIT':
        connection.out.ascii(okLine(protocol, tag, 'LOGOUT completed.'));
        return 'gone';
      default:
        return this.#mistake(tag, 'Front ends say XCLIENT, AUTHENTICATE EXTERNAL, XLEAVE, NOOP or LOGOUT here.');
    }
  }

  #clientFacts(tag: string, rest: string): null {
    try {
      this.#facts = parseFacts(rest);
    } catch (error) {
      if (!(error instanceof ProtocolViolation)) throw error;
      return this.#mistake(tag, error.message);
    }
    this.#options.connection.out.ascii(okLine(this.#options.protocol, tag, 'XCLIENT completed.'));
    // Told at once, before the mailbox is opened: so a front end knows a slow mailbox from a dead server.
    this.#options.connection.flush();
    return null;
  }

  async #logon(tag: string, rest: string): Promise<BackendSession | null> {
    const { protocol, connection, log, frontEnd } = this.#options;
    const facts = this.#facts;
    if (facts === null) return this.#mistake(tag, 'XCLIENT comes before AUTHENTICATE.');
    const named = namedSession(rest);
    if (named === null) return this.#mistake(tag, 'AUTHENTICATE EXTERNAL names an account and a mailbox.');
    traces.current?.sessionBegan(facts.session, protocol, { 'client.address': facts.clientAddress });
    const span = traces.current?.within(facts.session, 'back-end open') ?? null;
    try {
      const session = await this.#open(facts, named);
      span?.end();
      if (!connection.isOpen) {
        session.cancel();
        return null;
      }
      connection.out.utf8(
        okLine(protocol, tag, 'The session begins.', ['CAPABILITY', ...session.capabilities].join(' ')),
      );
      connection.flush();
      return session;
    } catch (error) {
      span?.end(errorName(error));
      traces.current?.sessionEnded(facts.session);
      const failure =
        error instanceof Failure
          ? error
          : new Failure('UNAVAILABLE', 'Something went wrong inside the server; try again later', { cause: error });
      const fields = { session: facts.session, frontEnd: frontEnd.name, account: named.account };
      if (error === failure) log.info({ ...fields, code: failure.code, text: failure.message }, 'a session is refused');
      else log.error({ ...fields, err: error }, 'a session could not be opened');
      connection.out.utf8(refusalLine(protocol, tag, failure));
      return null;
    }
  }

  /** @throws Failure */
  async #open(facts: ClientFacts, { account, mailbox, appPassword }: NamedSession): Promise<BackendSession> {
    const { protocol, directory, backEnd, frontEnd, stop, log } = this.#options;
    const refused = await refusedNow(directory, { account, mailbox, protocol, appPassword });
    if (refused !== null) {
      log.warn(
        { session: facts.session, frontEnd: frontEnd.name, account, reason: refused.reason },
        'not allowed here',
      );
      throw refused.failure;
    }
    const [who, whose] = await Promise.all([directory.account(account), directory.account(mailbox)]);
    if (who === null || whose === null) throw new Failure('CONTACTADMIN', 'This account does not exist any more.');
    await this.#refer(whose);
    const session = await backEnd.open({
      ...facts,
      protocol,
      logon: { account: who, mailbox: whose, ...(await appPasswordOf(directory, account, appPassword)) },
      frontEnd: frontEnd.name,
      stop,
    });
    log.info(
      {
        session: facts.session,
        protocol: PROTOCOL_NAMES[protocol],
        user: whose.userPrincipalName,
        client: facts.clientAddress,
        frontEnd: frontEnd.name,
        tls: facts.tls?.protocol,
      },
      'a session from another front end',
    );
    return session;
  }

  /** A front end that has not heard yet that the mailbox moved is told where to. @throws OwnedElsewhere */
  async #refer({ mailbox }: Account): Promise<void> {
    if (mailbox === null) return;
    const { placement, server } = this.#options;
    const servers = await placement.of(mailbox);
    const [home] = servers;
    if (home !== undefined && !servers.some(({ id }) => id === server.id)) throw new OwnedElsewhere(home.id);
  }

  /** Its sessions are to say goodbye: the front end stops, or an admin there ends one. Those of others stay. */
  #leave(tag: string, rest: string): null {
    const { protocol, connection, backEnd, frontEnd } = this.#options;
    const ids = new Set(rest.split(' '));
    const ended = backEnd.sessions.end((session) => session.frontEnd === frontEnd.name && ids.has(session.id));
    connection.out.ascii(okLine(protocol, tag, `${ended} sessions end.`));
    return null;
  }

  #mistake(tag: string, text: string): null {
    this.#mistakes += 1;
    this.#options.connection.out.ascii(badLine(this.#options.protocol, tag, text));
    return null;
  }

  #farewell(text: string): void {
    this.#options.connection.out.ascii(farewellLine(this.#options.protocol, text));
    this.#options.connection.end();
  }
}
