/**
 * The protocol log of POP3 and IMAP4: one line a command, with the fields of Exchange's (exchange-behaviour.md §5.10),
 * as CSV or as JSON. Passwords and message text never come here: callers hand over a verb and parameters they have
 * made safe. Front end and back end of a session write the same session id into files of their own.
 */
import { RollingFile, type RollingFileSettings } from './rolling-file.ts';

export interface ProtocolLogSettings extends RollingFileSettings {
  readonly enabled: boolean;
  readonly format: 'Csv' | 'Json';
}

export interface CommandRecord {
  /** Lower case verb, or `OpenSession`, `CloseSession`. */
  readonly command: string;
  /** Without secrets: a password is `*****`. */
  readonly parameters: string;
  /** Octets read and written for it. */
  readonly requestSize: number;
  readonly responseSize: number;
  /** Milliseconds. */
  readonly duration: number;
  /** `R=ok`, `R="a1 NO LOGIN failed."`, `Msg=…`, `ErrMsg=…`, with `;` between. */
  readonly context: string;
}

/** Lines of one session. */
export interface SessionProtocolLog {
  /** False: nothing would be written; callers save themselves the work of making a record. */
  readonly enabled: boolean;
  /** Empty until logon. */
  user: string;
  write(record: CommandRecord): void;
}

export interface SessionEnds {
  readonly session: string;
  /** `ip:port` of our side and of the client. */
  readonly local: string;
  readonly remote: string;
}

const FIELDS = 'dateTime,sessionId,seqNumber,sIp,cIp,user,duration,rqsize,rpsize,command,parameters,context,puid';

export class MailProtocolLog {
  readonly #settings: () => ProtocolLogSettings;
  readonly #file: RollingFile;

  constructor(options: {
    /** `IMAP4 Protocol Log`. */
    readonly logType: string;
    readonly version: string;
    /** Asked for each line: changes act at once. */
    readonly settings: () => ProtocolLogSettings;
    readonly onTrouble: (error: unknown, dropped: number) => void;
    readonly now?: () => number;
  }) {
    this.#settings = options.settings;
    this.#file = new RollingFile({
      settings: options.settings,
      onTrouble: options.onTrouble,
      ...(options.now === undefined ? {} : { now: options.now }),
      header: (now, format) =>
        format === 'Json'
          ? ''
          : `#Software: Penfold\r\n#Version: ${options.version}\r\n#Log-type: ${options.logType}\r\n#Date: ${now.toISOString()}\r\n#Fields: ${FIELDS}\r\n`,
    });
  }

  session(ends: SessionEnds): SessionProtocolLog {
    return new SessionLines(ends, this.#settings, this.#file);
  }

  /** On stop. */
  flush(): Promise<void> {
    return this.#file.flush();
  }
}

class SessionLines implements SessionProtocolLog {
  user = '';
  readonly #ends: SessionEnds;
  readonly #settings: () => ProtocolLogSettings;
  readonly #file: RollingFile;
  #sequence = 0;

  constructor(ends: SessionEnds, settings: () => ProtocolLogSettings, file: RollingFile) {
    this.#ends = ends;
    this.#settings = settings;
    this.#file = file;
  }

  get enabled(): boolean {
    return this.#settings().enabled;
  }

  write(record: CommandRecord): void {
    const { enabled, format } = this.#settings();
    if (!enabled) return;
    const { session, local, remote } = this.#ends;
    const values = {
      dateTime: new Date().toISOString(),
      sessionId: session,
      seqNumber: this.#sequence,
      sIp: local,
      cIp: remote,
      user: this.user,
      duration: Math.round(record.duration),
      rqsize: record.requestSize,
      rpsize: record.responseSize,
      command: record.command,
      parameters: record.parameters,
      context: record.context,
      puid: '',
    };
    this.#sequence += 1;
    this.#file.write(
      format === 'Json'
        ? JSON.stringify(values)
        : Object.values(values)
            .map((value) => csv(String(value)))
            .join(','),
      format,
    );
  }
}

/**
 * RFC 4180 §2. Control characters would break the line and the terminal of who reads it; U+2028 and U+2029 end a line
 * for readers of JavaScript (node:readline, the tracking log's own), so that a Subject could forge one; the marks of
 * writing direction show a line as what it is not.
 */
export function csv(value: string): string {
  // oxlint-disable-next-line no-control-regex -- exactly these are meant
  const clean = value.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, '?');
  return /[",]/.test(clean) ? `"${clean.replaceAll('"', '""')}"` : clean;
}
