/**
 * IMAP before logon: the not authenticated state (RFC 9051 §3.1, §6.1, §6.2). Greets, negotiates TLS, authenticates,
 * has the mailbox opened, answers OK and lets the back end session run on the same connection.
 */
import { Buffer } from 'node:buffer';
import type { Logon, SaslExchange, SaslStep } from '../auth/api.ts';
import type { Command, CommandOf, Refused } from '../imap/grammar/ast.ts';
import { plainText, writeBad, writeBye, writeError, writeOk } from '../imap/grammar/write-response.ts';
import { CommandReader } from '../imap/reader.ts';
import { Failure, ProtocolViolation } from '../observe/failure.ts';
import { IdleTimeout } from '../wire/connection.ts';
import type { ByteWriter } from '../wire/byte-writer.ts';
import { IMAP_BAD_COMMANDS, LOGON_FAILURES } from '../wire/limits.ts';
import { Turn } from '../wire/turn.ts';
import { type Admitted, type Reception, tellable } from './reception.ts';

/** RFC 2971 §3.3: longer values are cut, they only feed logs and the capability mask. */
const ID_VALUE_CHARACTERS = 1024;
const NO_CLIENT_ID: ReadonlyMap<string, string> = new Map();

/**
 * Serves one client until it has logged on, then returns the session that goes on with it; null when it is gone.
 * Nothing of this file stays in memory behind the logon.
 */
export const serveImap = (reception: Reception): Promise<Admitted | null> => new NotAuthenticated(reception).serve();

class NotAuthenticated {
  readonly #reception: Reception;
  readonly #out: ByteWriter;
  readonly #turn = new Turn();
  #reader: CommandReader;
  #clientId: ReadonlyMap<string, string> = NO_CLIENT_ID;
  #bad = 0;
  #failedLogons = 0;
  /** A farewell may be said: no command is being answered. */
  #waiting = false;

  constructor(reception: Reception) {
    this.#reception = reception;
    this.#out = reception.connection.out;
    this.#reader = this.#newReader();
  }

  async serve(): Promise<Admitted | null> {
    const { connection, stop } = this.#reception;
    const onStop = (): void => {
      if (this.#waiting) this.#bye('The server is going down');
    };
    stop.addEventListener('abort', onStop, { once: true });
    try {
      writeOk(this.#out, '*', plainText(this.#reception.settings.banner), `CAPABILITY ${this.#capabilities()}`);
      connection.flush();
      return await this.#untilLogon();
    } catch (error) {
      if (error instanceof IdleTimeout) this.#bye('Idle for too long before logon');
      else {
        this.#reception.log.error({ error: String(error) }, 'IMAP logon session failed');
        this.#bye('Something went wrong inside the server', 'UNAVAILABLE');
      }
    } finally {
      stop.removeEventListener('abort', onStop);
    }
    return null;
  }

  /** Null: the client has gone or was sent away. */
  async #untilLogon(): Promise<Admitted | null> {
    const { connection, stop } = this.#reception;
    while (!stop.aborted) {
      this.#reception.awaitClient();
      if (connection.buffered === 0) this.#turn.restart();
      this.#waiting = true;
      const command = await this.#reader.next();
      this.#waiting = false;
      if (command === null || !connection.isOpen) return null;
      const outcome = await this.#answer(command);
      if (outcome !== null) return outcome === 'gone' ? null : outcome;
      if (this.#bad >= IMAP_BAD_COMMANDS) return this.#bye('Too many bad commands');
      if (this.#failedLogons >= LOGON_FAILURES) return this.#bye('Too many failed logons');
      if (this.#turn.due) await this.#turn.pass();
    }
    return this.#bye('The server is going down');
  }

  async #answer(command: Command | Refused): Promise<Admitted | 'gone' | null> {
    switch (command.name) {
      case 'REFUSED':
        return this.#refused(command);
      case 'CAPABILITY':
        this.#out.ascii(`* CAPABILITY ${this.#capabilities()}\r\n`);
        writeOk(this.#out, command.tag, 'CAPABILITY completed.');
        return null;
      case 'NOOP':
        writeOk(this.#out, command.tag, 'NOOP completed.');
        return null;
      case 'ID':
        this.#clientId = shortened(command.fields);
        this.#reception.clientNamed(this.#clientId);
        this.#out.ascii('* ID ("name" "Penfold")\r\n');
        writeOk(this.#out, command.tag, 'ID completed.');
        return null;
      case 'LOGOUT':
        writeBye(this.#out, 'Logging out');
        writeOk(this.#out, command.tag, 'LOGOUT completed.');
        return 'gone';
      case 'STARTTLS':
        return this.#startTls(command.tag);
      case 'LOGIN':
        return this.#login(command);
      case 'AUTHENTICATE':
        return this.#authenticate(command);
      default:
        this.#bad += 1;
        writeBad(this.#out, command.tag, 'Command received in Invalid state: log on first');
        return null;
    }
  }

  #refused(command: Refused): 'gone' | null {
    this.#bad += 1;
    writeError(this.#out, command.tag, command.error);
    if (!(command.error instanceof ProtocolViolation) || !command.error.fatal) return null;
    this.#bye('The stream of commands is broken');
    return 'gone';
  }

  async #startTls(tag: string): Promise<'gone' | null> {
    const { connection } = this.#reception;
    if (this.#reception.encrypted) {
      this.#bad += 1;
      writeBad(this.#out, tag, 'TLS is on already');
      return null;
    }
    if (connection.buffered > 0) {
      // RFC 9051 §11.1, CVE-2011-0411: what was pipelined in the clear behind STARTTLS came from who knows whom.
      writeBad(this.#out, tag, 'Nothing may be sent behind STARTTLS before TLS is on');
      this.#bye('Commands were pipelined behind STARTTLS');
      return 'gone';
    }
    writeOk(this.#out, tag, 'Begin TLS negotiation now.');
    if (!(await this.#reception.startTls())) return 'gone';
    // RFC 9051 §6.2.1: what was learned in the clear is forgotten.
    this.#clientId = NO_CLIENT_ID;
    this.#reader = this.#newReader();
    return null;
  }

  async #login(command: CommandOf<'LOGIN'>): Promise<Admitted | 'gone' | null> {
    let logon: Logon;
    try {
      this.#reception.requirePrivacy();
      this.#reception.connection.idleLimit(null);
      logon = await this.#reception.password(command.user, command.password);
    } catch (error) {
      return this.#refusedLogon(command.tag, error, 'LOGIN');
    }
    return this.#admit(command.tag, logon, 'LOGIN');
  }

  async #authenticate(command: CommandOf<'AUTHENTICATE'>): Promise<Admitted | 'gone' | null> {
    const { tag, mechanism } = command;
    let exchange: SaslExchange | null;
    try {
      exchange = this.#reception.beginSasl(mechanism);
      if (exchange === null) {
        this.#reception.requirePrivacy();
        throw new Failure('CANNOT', 'This authentication mechanism is not offered here');
      }
    } catch (error) {
      return this.#refusedLogon(tag, error, mechanism);
    }
    let response: Uint8Array | null = command.initial;
    for (;;) {
      let step: SaslStep;
      try {
        this.#reception.connection.idleLimit(null);
        step = await exchange.step(response);
      } catch (error) {
        return this.#refusedLogon(tag, error, mechanism);
      }
      if (step.done && step.final === null) return this.#admit(tag, step.logon, mechanism);
      const challenge = step.done ? step.final : step.challenge;
      this.#out.ascii(`+ ${Buffer.from(challenge ?? []).toString('base64')}\r\n`);
      this.#reception.awaitClient();
      const answer = await this.#reader.response();
      if (answer === null) return 'gone';
      if (answer === 'cancelled') {
        writeBad(this.#out, tag, 'AUTHENTICATE cancelled');
        return null;
      }
      if ('error' in answer) return this.#refused({ name: 'REFUSED', tag, error: answer.error });
      // The server's last word (a SCRAM signature) is answered by an empty line (RFC 4422 §3.6 without success data).
      if (step.done) return this.#admit(tag, step.logon, mechanism);
      response = answer;
    }
  }

  async #admit(tag: string, logon: Logon, how: string): Promise<Admitted | 'gone' | null> {
    const { connection } = this.#reception;
    try {
      const admitted = await this.#reception.admit(logon, this.#clientId);
      if (!connection.isOpen) {
        admitted.backend.cancel();
        admitted.release();
        return 'gone';
      }
      this.#reception.succeeded(logon, how);
      connection.idleLimit(null);
      const name = how === 'LOGIN' ? 'LOGIN' : 'AUTHENTICATE';
      writeOk(this.#out, tag, `${name} completed.`, `CAPABILITY ${admitted.backend.capabilities.join(' ')}`);
      return admitted;
    } catch (error) {
      this.#reception.notAdmitted(error, how, logon);
      return this.#failed(tag, error);
    }
  }

  #refusedLogon(tag: string, error: unknown, how: string): null {
    if (error instanceof ProtocolViolation) {
      // A message that is no message of its mechanism is a mistake, not a wrong password.
      this.#bad += 1;
      writeBad(this.#out, tag, error.message);
      return null;
    }
    this.#reception.refused(error, how);
    return this.#failed(tag, error);
  }

  #failed(tag: string, error: unknown): null {
    this.#failedLogons += 1;
    writeError(this.#out, tag, tellable(error));
    return null;
  }

  #bye(text: string, code: string | null = null): null {
    writeBye(this.#out, text, code);
    this.#reception.connection.end();
    return null;
  }

  #capabilities(): string {
    const { encrypted, passwordAllowed, mechanisms } = this.#reception;
    const names = ['IMAP4rev1', 'LITERAL+', 'SASL-IR', 'ID'];
    if (!encrypted) names.push('STARTTLS');
    if (!passwordAllowed) names.push('LOGINDISABLED');
    for (const mechanism of mechanisms) names.push(`AUTH=${mechanism}`);
    return names.join(' ');
  }

  #newReader(): CommandReader {
    const { connection, settings } = this.#reception;
    return new CommandReader(connection, { maxCommandSize: settings.maxCommandSize, loggedOn: false });
  }
}

function shortened(fields: ReadonlyMap<string, string> | null): ReadonlyMap<string, string> {
  if (fields === null) return NO_CLIENT_ID;
  return new Map([...fields].map(([key, value]) => [key, value.slice(0, ID_VALUE_CHARACTERS)]));
}
