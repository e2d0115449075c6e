/** The meter of one session: its lines in the protocol log, its user's budget of server time, the process's counters. */
import type { CommandMeter, TrafficCount } from '../observe/command-meter.ts';
import { type CommandTally, tally } from '../observe/metrics/tally.ts';
import type { SessionProtocolLog } from '../observe/protocol-log/mail-protocol.ts';
import type { Budget } from './budget.ts';

export interface Paying {
  readonly budget: Budget;
  leave(): void;
}

/** A class for each protocol, so that no session has to remember where its commands are counted. */
abstract class SessionMeter implements CommandMeter {
  readonly #log: SessionProtocolLog;
  readonly #paying: Paying;
  #began = 0;
  #read = 0;
  #written = 0;

  constructor(log: SessionProtocolLog, paying: Paying) {
    this.#log = log;
    this.#paying = paying;
  }

  protected abstract get commands(): CommandTally;

  get wantsTexts(): boolean {
    return this.#log.enabled;
  }

  begin(): number {
    this.#began = performance.now();
    return this.#paying.budget.admit();
  }

  end(answered: Parameters<CommandMeter['end']>[0]): void {
    const duration = performance.now() - this.#began;
    this.commands.observe(answered.command, duration);
    if (answered.costsNothing !== true) this.#paying.budget.charge(duration);
    this.#line(answered.command, answered.parameters, answered.context, duration, answered.traffic);
  }

  close(traffic: TrafficCount): void {
    this.#paying.leave();
    this.#line('CloseSession', '', '', 0, traffic);
  }

  #line(command: string, parameters: string, context: string, duration: number, traffic: TrafficCount): void {
    const { bytesRead, bytesWritten } = traffic;
    const requestSize = bytesRead - this.#read;
    const responseSize = bytesWritten - this.#written;
    this.#read = bytesRead;
    this.#written = bytesWritten;
    if (!this.#log.enabled) return;
    this.#log.write({ command, parameters, context, duration, requestSize, responseSize });
  }
}

export class ImapSessionMeter extends SessionMeter {
  protected override get commands(): CommandTally {
    return tally.commands.imap;
  }
}

export class Pop3SessionMeter extends SessionMeter {
  protected override get commands(): CommandTally {
    return tally.commands.pop3;
  }
}
