/** The protocol logs of the back ends: beside those of the front ends, in files of their own. */
import type { Account } from '../directory/model.ts';
import { protocolLogSettings } from '../directory/protocol-log-settings.ts';
import type { Log } from '../observe/log.ts';
import {
  MailProtocolLog,
  type ProtocolLogSettings,
  type SessionProtocolLog,
} from '../observe/protocol-log/mail-protocol.ts';
import type { HandOver } from './link.ts';
import type { LiveSettings } from './live-settings.ts';

export interface ProtocolLogPlace {
  /** Absolute; missing: nothing is written. */
  readonly logRoot?: string;
  readonly version?: string;
  readonly log: Log;
}

export class BackEndProtocolLogs {
  readonly #logs: Readonly<Record<HandOver['protocol'], MailProtocolLog>>;

  constructor(settings: LiveSettings, place: ProtocolLogPlace) {
    const open = (logType: string, current: (root: string) => ProtocolLogSettings): MailProtocolLog =>
      new MailProtocolLog({
        logType,
        version: place.version ?? '',
        settings: () => {
          const now = current(place.logRoot ?? '/');
          return place.logRoot === undefined ? { ...now, enabled: false } : now;
        },
        onTrouble: (error, dropped) =>
          place.log.error({ error: String(error), dropped }, 'the protocol log cannot be written'),
      });
    this.#logs = {
      imap: open('IMAP4 Backend Protocol Log', (root) => protocolLogSettings(settings.imap, 'IMAP4BE', root)),
      pop3: open('POP3 Backend Protocol Log', (root) => protocolLogSettings(settings.pop3, 'POP3BE', root)),
    };
  }

  session(handOver: HandOver, owner: Account): SessionProtocolLog {
    const { clientAddress, clientPort } = handOver;
    const log = this.#logs[handOver.protocol].session({
      session: handOver.session,
      local: handOver.frontEnd ?? '',
      remote: clientPort === undefined ? clientAddress : `${clientAddress}:${clientPort}`,
    });
    log.user = owner.userPrincipalName;
    return log;
  }

  async flush(): Promise<void> {
    await Promise.all(Object.values(this.#logs).map((log) => log.flush()));
  }
}
