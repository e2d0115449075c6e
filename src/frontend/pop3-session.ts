/**
 * POP3 before logon: the AUTHORIZATION state (RFC 1939 §4, RFC 2449, RFC 2595 §4, RFC 5034). Greets, negotiates TLS,
 * authenticates, has the maildrop opened, answers +OK and lets the back end session run on the same connection.
 * APOP is not offered: it needs passwords the server could read (exchange-behaviour.md §6.4).
 */
import { Buffer } from 'node:buffer';
import type { Logon, SaslExchange, SaslStep } from '../auth/api.ts';
import { decodeBase64 } from '../imap/grammar/base64.ts';
import { Failure, ProtocolViolation } from '../observe/failure.ts';
import { errReply, okReply, parsePop3Line, pop3Capabilities, type Pop3Line, responseCodeOf } from '../pop3/grammar.ts';
import { IdleTimeout, withoutLineEnd } from '../wire/connection.ts';
import { LOGON_FAILURES, POP3_AUTH_LINE_BYTES, POP3_BAD_COMMANDS } from '../wire/limits.ts';
import { Turn } from '../wire/turn.ts';
import { type Admitted, type Reception, tellable } from './reception.ts';

const NO_CLIENT_ID: ReadonlyMap<string, string> = new Map();
const ASTERISK = 0x2a;
const EQUALS = 0x3d;
const LINE_END_BYTES = 2;

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
      if (this.#waiting) this.#farewell('The server is going down');
    };
    stop.addEventListener('abort', onStop, { once: true });
    try {
      this.#write(okReply(this.#reception.settings.banner));
      connection.flush();
      return await this.#untilLogon();
    } catch (error) {
      if (error instanceof IdleTimeout) this.#farewell('Idle for too long before logon');
      else if (error instanceof ProtocolViolation) this.#write(errReply(error.message));
      else {
        this.#reception.log.error({ error: String(error) }, 'POP3 logon session failed');
        this.#farewell('Something went wrong inside the server');
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
      if (this.#bad >= POP3_BAD_COMMANDS) return this.#farewell('Too many bad commands');
      if (this.#failedLogons >= LOGON_FAILURES) return this.#farewell('Too many failed logons');
      if (this.#turn.due) await this.#turn.pass();
    }
    return this.#farewell('The server is going down');
  }

  async #readLine(): Promise<Buffer | null> {
    const most = Math.max(POP3_AUTH_LINE_BYTES, this.#reception.settings.maxCommandSize + LINE_END_BYTES);
    return this.#reception.connection.readLine(most);
  }

  async #answer(line: Buffer): Promise<Outcome> {
    const command = parsePop3Line(line);
    const { maxCommandSize } = this.#reception.settings;
    if (line.length > maxCommandSize + LINE_END_BYTES && command.verb !== 'AUTH') {
      return this.#invalid(`a command may have at most ${maxCommandSize} bytes`);
    }
    switch (command.verb) {
      case 'CAPA':
        this.#capa();
        return null;
      case 'QUIT':
        this.#write(okReply('Goodbye.'));
        return 'gone';
      case 'STLS':
        return this.#stls();
      case 'USER':
        return this.#userName(command);
      case 'PASS':
        return this.#pass(command);
      case 'AUTH':
        return this.#auth(command);
      case 'APOP':
        return this.#invalid('APOP is not supported; use AUTH or USER and PASS');
      case 'DELE':
      case 'LIST':
      case 'NOOP':
      case 'RETR':
      case 'RSET':
      case 'STAT':
      case 'TOP':
      case 'UIDL':
        return this.#invalid('Command is not valid in this state: log on first');
      default:
        return this.#invalid('Unknown command');
    }
  }

  #capa(): void {
    const { encrypted, mechanisms, passwordAllowed } = this.#reception;
    const lines = pop3Capabilities({ authenticated: false, encrypted, mechanisms, password: passwordAllowed });
    this.#write(okReply('Capability list follows.'));
    for (const line of lines) this.#write(`${line}\r\n`);
    this.#write('.\r\n');
  }

  async #stls(): Promise<Outcome> {
    if (this.#reception.encrypted) return this.#invalid('TLS is on already');
    if (this.#reception.connection.buffered > 0) {
      // RFC 2595 §4 forbids it, CVE-2011-0411 says why.
      this.#write(errReply('Nothing may be sent behind STLS before TLS is on'));
      return 'gone';
    }
    this.#write(okReply('Begin TLS negotiation now.'));
    this.#user = null;
    return (await this.#reception.startTls()) ? null : 'gone';
  }

  /** +OK for every name: only PASS tells whether the two go together (RFC 1939 §7). */
  #userName(command: Pop3Line): Outcome {
    try {
      this.#reception.requirePrivacy();
    } catch (error) {
      return this.#refusedLogon(error, 'USER');
    }
    if (command.rest.length === 0) return this.#invalid('USER takes a name');
    this.#user = command.rest.toString('utf8');
    this.#write(okReply());
    return null;
  }

  async #pass(command: Pop3Line): Promise<Outcome> {
    const user = this.#user;
    if (user === null) return this.#invalid('PASS comes behind USER');
    this.#user = null;
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
    if (first === undefined) {
      // Before RFC 5034 clients asked so for the mechanisms; Outlook still does.
      this.#write(okReply('Mechanisms follow.'));
      for (const name of this.#reception.mechanisms) this.#write(`${name}\r\n`);
      this.#write('.\r\n');
      return null;
    }
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
      if (response === null) return this.#invalid('The initial response is not base64');
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
      this.#write(`+ ${Buffer.from(challenge ?? []).toString('base64')}\r\n`);
      this.#reception.awaitClient();
      const line = await this.#readLine();
      if (line === null) return 'gone';
      const text = withoutLineEnd(line);
      if (text.length === 1 && text[0] === ASTERISK) {
        this.#write(errReply('AUTH cancelled'));
        return null;
      }
      const answer = decodeBase64(text);
      if (answer === null) return this.#invalid('The response is not base64');
      // The server's last word is answered by an empty line (RFC 5034 §4).
      if (step.done) return this.#admit(step.logon, mechanism);
      response = answer;
    }
  }

  async #admit(logon: Logon, how: string): Promise<Outcome> {
    const { connection } = this.#reception;
    try {
      const admitted = await this.#reception.admit(logon, NO_CLIENT_ID);
      if (!connection.isOpen) {
        admitted.backend.cancel();
        admitted.release();
        return 'gone';
      }
      this.#reception.succeeded(logon, how);
      connection.idleLimit(null);
      this.#write(okReply('User successfully logged on.'));
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
    const failure = tellable(error);
    this.#write(errReply(failure.message, responseCodeOf(failure)));
    return null;
  }

  #invalid(text: string): null {
    this.#bad += 1;
    this.#write(errReply(text));
    return null;
  }

  #farewell(text: string): null {
    this.#write(errReply(text, 'SYS/TEMP'));
    this.#reception.connection.end();
    return null;
  }

  #write(text: string): void {
    this.#reception.connection.out.ascii(text);
  }
}
