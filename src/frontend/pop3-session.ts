/**
 * POP3 before logon: the AUTHORIZATION state (RFC 1939 §4, RFC 2449, RFC 2595 §4, RFC 5034, RFC 6856). Greets,
 * negotiates TLS, UTF-8 and language, authenticates, has the maildrop opened, answers +OK and lets the back end session
 * run on the same connection. APOP is not offered: it needs passwords the server could read (exchange-behaviour.md §6.4).
 */
import { Buffer, isUtf8 } from 'node:buffer';
import type { Logon, SaslExchange, SaslStep } from '../auth/api.ts';
import { decodeBase64 } from '../imap/grammar/base64.ts';
import { Failure, ProtocolViolation } from '../observe/failure.ts';
import {
  parseLanguageRange,
  parsePop3Line,
  pop3Capabilities,
  type Pop3Line,
  type Pop3ResponseCode,
} from '../pop3/grammar.ts';
import { Replies } from '../pop3/replies.ts';
import { IdleTimeout, withoutLineEnd } from '../wire/connection.ts';
import { LOGON_FAILURES, POP3_AUTH_LINE_BYTES, POP3_BAD_COMMANDS } from '../wire/limits.ts';
import { Turn } from '../wire/turn.ts';
import { type Admitted, type Reception, tellable } from './reception.ts';

const NO_CLIENT_ID: ReadonlyMap<string, string> = new Map();
const ASTERISK = 0x2a;
const EQUALS = 0x3d;
const LINE_END_BYTES = 2;
/** Commands without arguments. */
const BARE = new Set(['CAPA', 'QUIT', 'STLS', 'UTF8']);

/**
 * `<…@…>` in a greeting tells clients that APOP is offered (RFC 1939 §7): fetchmail and others would try it first and
 * fail. An address in an administrator's Banner gets parentheses.
 */
const withoutTimestamp = (banner: string): string => banner.replaceAll(/<([^<>]*@[^<>]*)>/g, '($1)');

/** What became of a line: still here, gone, or handed to the back end. */
type Outcome = Admitted | 'gone' | null;

/**
 * Serves one client until it has logged on, then returns the session that goes on with it; null when it is gone.
 * Nothing of this file stays in memory behind the logon.
 */
export const servePop3 = (reception: Reception): Promise<Admitted | null> => new Authorization(reception).serve();

class Authorization {
  readonly #reception: Reception;
  readonly #turn = new Turn();
  readonly #replies = new Replies();
  #utf8 = false;
  #user: string | null = null;
  #bad = 0;
  #failedLogons = 0;
  #waiting = false;

  constructor(reception: Reception) {
    this.#reception = reception;
  }

  async serve(): Promise<Admitted | null> {
    const { connection, stop } = this.#reception;
    const onStop = (): void => {
      if (this.#waiting) this.#farewell(this.#replies.texts.goingDown);
    };
    stop.addEventListener('abort', onStop, { once: true });
    try {
      this.#ok(withoutTimestamp(this.#reception.settings.banner));
      connection.flush();
      return await this.#untilLogon();
    } catch (error) {
      if (error instanceof IdleTimeout) this.#farewell(this.#replies.texts.idleBeforeLogon);
      else if (error instanceof ProtocolViolation) this.#err(error.message);
      else {
        this.#reception.log.error({ error: String(error) }, 'POP3 logon session failed');
        this.#farewell(this.#replies.texts.internalError);
      }
    } finally {
      stop.removeEventListener('abort', onStop);
    }
    return null;
  }

  async #untilLogon(): Promise<Admitted | null> {
    const { connection, stop } = this.#reception;
    while (!stop.aborted) {
      this.#reception.awaitClient();
      if (connection.buffered === 0) this.#turn.restart();
      this.#waiting = true;
      const line = await this.#readLine();
      this.#waiting = false;
      if (line === null || !connection.isOpen) return null;
      const outcome = await this.#answer(line);
      if (outcome !== null) return outcome === 'gone' ? null : outcome;
      if (this.#bad >= POP3_BAD_COMMANDS) return this.#farewell(this.#replies.texts.tooManyBadCommands);
      if (this.#failedLogons >= LOGON_FAILURES) return this.#farewell(this.#replies.texts.tooManyFailedLogons);
      if (this.#turn.due) await this.#turn.pass();
    }
    return this.#farewell(this.#replies.texts.goingDown);
  }

  async #readLine(): Promise<Buffer | null> {
    const most = Math.max(POP3_AUTH_LINE_BYTES, this.#reception.settings.maxCommandSize + LINE_END_BYTES);
    return this.#reception.connection.readLine(most);
  }

  async #answer(line: Buffer): Promise<Outcome> {
    const command = parsePop3Line(line);
    const { maxCommandSize } = this.#reception.settings;
    const { texts } = this.#replies;
    if (line.length > maxCommandSize + LINE_END_BYTES && command.verb !== 'AUTH') {
      return this.#invalid(texts.commandTooLong(maxCommandSize));
    }
    if (BARE.has(command.verb) && command.args.length > 0) {
      return this.#invalid(texts.mistake.takesNoArgument(command.verb));
    }
    switch (command.verb) {
      case 'CAPA':
        this.#capa();
        return null;
      case 'QUIT':
        this.#ok(texts.goodbye);
        return 'gone';
      case 'STLS':
        return this.#stls();
      case 'UTF8':
        this.#utf8 = true;
        this.#ok(texts.utf8On);
        return null;
      case 'LANG':
        return this.#lang(command);
      case 'USER':
        return this.#userName(command);
      case 'PASS':
        return this.#pass(command);
      case 'AUTH':
        return this.#auth(command);
      case 'APOP':
        return this.#invalid(texts.noApop);
      case 'DELE':
      case 'LIST':
      case 'NOOP':
      case 'RETR':
      case 'RSET':
      case 'STAT':
      case 'TOP':
      case 'UIDL':
        return this.#invalid(texts.logOnFirst);
      case '':
        return this.#invalid(texts.mistake.noCommand(''));
      default:
        return this.#invalid(texts.mistake.unknownCommand(command.verb));
    }
  }

  #capa(): void {
    const { encrypted, mechanisms, passwordAllowed, loginDelay } = this.#reception;
    const lines = pop3Capabilities({
      authenticated: false,
      encrypted,
      mechanisms,
      password: passwordAllowed,
      loginDelay: loginDelay.seconds,
    });
    this.#ok(this.#replies.texts.capabilitiesFollow);
    this.#list(lines);
  }

  #lang({ args, verb }: Pop3Line): Outcome {
    const range = parseLanguageRange(args);
    if (range === undefined) return this.#invalid(this.#replies.texts.mistake.takesOneTag(verb));
    this.#replies.lang(this.#reception.connection.out, range);
    return null;
  }

  async #stls(): Promise<Outcome> {
    const { texts } = this.#replies;
    if (this.#reception.encrypted) return this.#invalid(texts.tlsIsOn);
    // RFC 6856 §2.1: what was agreed upon in the clear would have to be forgotten.
    if (this.#utf8) return this.#invalid(texts.stlsBehindUtf8);
    if (this.#reception.connection.buffered > 0) {
      // RFC 2595 §4 forbids it, CVE-2011-0411 says why: nothing of it is ever read.
      this.#err(texts.pipelinedBehindStls);
      return 'gone';
    }
    this.#ok(texts.beginTls);
    this.#user = null;
    this.#replies.reset();
    return (await this.#reception.startTls()) ? null : 'gone';
  }

  /** +OK for every name: only PASS tells whether the two go together (RFC 1939 §7). */
  #userName(command: Pop3Line): Outcome {
    const { texts } = this.#replies;
    try {
      this.#reception.requirePrivacy();
    } catch (error) {
      return this.#refusedLogon(error, 'USER');
    }
    if (command.rest.length === 0) return this.#invalid(texts.userTakesName);
    if (!isUtf8(command.rest)) return this.#invalid(texts.notUtf8);
    this.#user = command.rest.toString('utf8');
    this.#ok();
    return null;
  }

  async #pass(command: Pop3Line): Promise<Outcome> {
    const user = this.#user;
    const { texts } = this.#replies;
    if (user === null) return this.#invalid(texts.passBehindUser);
    this.#user = null;
    // RFC 6856 §2.2: what is no UTF-8 is refused, never guessed at.
    if (!isUtf8(command.rest)) return this.#invalid(texts.notUtf8);
    let logon: Logon;
    try {
      this.#reception.requirePrivacy();
      this.#reception.connection.idleLimit(null);
      // The rest of the line is the password, its spaces included (RFC 1939 §7 PASS).
      logon = await this.#reception.password(user, command.rest.toString('utf8'));
    } catch (error) {
      return this.#refusedLogon(error, 'PASS');
    }
    return this.#admit(logon, 'PASS');
  }

  async #auth(command: Pop3Line): Promise<Outcome> {
    const [first, second] = command.args;
    const { texts } = this.#replies;
    if (first === undefined) {
      // Before RFC 5034 clients asked so for the mechanisms; Outlook still does.
      this.#ok(texts.mechanismsFollow);
      this.#list(this.#reception.mechanisms);
      return null;
    }
    if (command.args.length > 2) return this.#invalid(texts.authArguments);
    const mechanism = first.toString('latin1').toUpperCase();
    let exchange: SaslExchange | null;
    try {
      exchange = this.#reception.beginSasl(mechanism);
      if (exchange === null) {
        this.#reception.requirePrivacy();
        throw new Failure('CANNOT', 'This authentication mechanism is not offered here');
      }
    } catch (error) {
      return this.#refusedLogon(error, 'AUTH');
    }
    let response: Uint8Array | null = null;
    if (second !== undefined) {
      response = second.length === 1 && second[0] === EQUALS ? Buffer.alloc(0) : decodeBase64(second);
      if (response === null) return this.#invalid(texts.badInitialResponse);
    }
    return this.#exchange(exchange, mechanism, response);
  }

  async #exchange(exchange: SaslExchange, mechanism: string, initial: Uint8Array | null): Promise<Outcome> {
    let response = initial;
    for (;;) {
      let step: SaslStep;
      try {
        this.#reception.connection.idleLimit(null);
        step = await exchange.step(response);
      } catch (error) {
        return this.#refusedLogon(error, mechanism);
      }
      if (step.done && step.final === null) return this.#admit(step.logon, mechanism);
      const challenge = step.done ? step.final : step.challenge;
      this.#reception.connection.out.ascii(`+ ${Buffer.from(challenge ?? []).toString('base64')}\r\n`);
      this.#reception.awaitClient();
      const line = await this.#readLine();
      if (line === null) return 'gone';
      const text = withoutLineEnd(line);
      if (text.length === 1 && text[0] === ASTERISK) {
        this.#err(this.#replies.texts.authCancelled);
        return null;
      }
      const answer = decodeBase64(text);
      if (answer === null) return this.#invalid(this.#replies.texts.badResponse);
      // The server's last word is answered by an empty line (RFC 5034 §4).
      if (step.done) return this.#admit(step.logon, mechanism);
      response = answer;
    }
  }

  async #admit(logon: Logon, how: string): Promise<Outcome> {
    const { connection, loginDelay, passwordAllowed } = this.#reception;
    const wait = loginDelay.remaining(logon.mailbox.id);
    if (wait > 0) {
      this.#failedLogons += 1;
      this.#err(this.#replies.texts.loginDelay(wait), 'LOGIN-DELAY');
      return null;
    }
    try {
      const admitted = await this.#reception.admit(logon, NO_CLIENT_ID, {
        utf8: this.#utf8,
        language: this.#replies.language,
        password: passwordAllowed,
      });
      if (!connection.isOpen) {
        admitted.backend.cancel();
        admitted.release();
        return 'gone';
      }
      this.#reception.succeeded(logon, how);
      loginDelay.loggedOn(logon.mailbox.id);
      connection.idleLimit(null);
      this.#ok(this.#replies.texts.loggedOn);
      return admitted;
    } catch (error) {
      this.#reception.notAdmitted(error, how, logon);
      return this.#failed(error);
    }
  }

  #refusedLogon(error: unknown, how: string): null {
    // A message that is no message of its mechanism is a mistake, not a wrong password.
    if (error instanceof ProtocolViolation) return this.#invalid(error.message);
    this.#reception.refused(error, how);
    return this.#failed(error);
  }

  #failed(error: unknown): null {
    this.#failedLogons += 1;
    this.#replies.failure(this.#reception.connection.out, tellable(error));
    return null;
  }

  #invalid(text: string): null {
    this.#bad += 1;
    this.#err(text);
    return null;
  }

  #farewell(text: string): null {
    this.#err(text, 'SYS/TEMP');
    this.#reception.connection.end();
    return null;
  }

  #ok(text = ''): void {
    this.#replies.ok(this.#reception.connection.out, text);
  }

  #err(text: string, code: Pop3ResponseCode | null = null): void {
    this.#replies.err(this.#reception.connection.out, text, code);
  }

  #list(lines: readonly string[]): void {
    const { out } = this.#reception.connection;
    for (const line of lines) out.ascii(`${line}\r\n`);
    out.ascii('.\r\n');
  }
}
