/**
 * The protocol log of SMTP: one line an event, with the fields of Exchange's SMTP receive log
 * (exchange-behaviour.md §9.7). `<` what the client said, `>` what we said, `+` `-` connect and disconnect, `*` remarks.
 */
import { csv } from './mail-protocol.ts';
import { RollingFile, type RollingFileSettings } from './rolling-file.ts';

export interface SmtpLogLine {
  readonly connector: string;
  readonly session: string;
  readonly sequence: number;
  readonly local: string;
  readonly remote: string;
  readonly event: '+' | '-' | '>' | '<' | '*';
  /** Without secrets. */
  readonly data: string;
  readonly context: string;
}

const FIELDS = 'date-time,connector-id,session-id,sequence-number,local-endpoint,remote-endpoint,event,data,context';

export class SmtpProtocolLog {
  readonly #file: RollingFile;

  constructor(options: {
    readonly version: string;
    readonly settings: () => RollingFileSettings;
    readonly onTrouble: (error: unknown, dropped: number) => void;
    readonly now?: () => number;
  }) {
    this.#file = new RollingFile({
      settings: options.settings,
      onTrouble: options.onTrouble,
      ...(options.now === undefined ? {} : { now: options.now }),
      header: (now) =>
        `#Software: Penfold\r\n#Version: ${options.version}\r\n#Log-Type: SMTP Receive Protocol Log\r\n#Date: ${now.toISOString()}\r\n#Fields: ${FIELDS}\r\n`,
    });
  }

  write(line: SmtpLogLine): void {
    const { connector, session, sequence, local, remote, event, data, context } = line;
    const values = [
      new Date().toISOString(),
      connector,
      session,
      String(sequence),
      local,
      remote,
      event,
      data,
      context,
    ];
    this.#file.write(values.map(csv).join(','));
  }

  flush(): Promise<void> {
    return this.#file.flush();
  }
}
