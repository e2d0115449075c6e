/**
 * What a mail program has to be set to, inside and outside the network: server name, port and encryption for POP3,
 * IMAP4 and SMTP, computed from the settings admins publish (exchange-behaviour.md §7.1). One computation for
 * `Get-CASMailbox -ProtocolSettings`, for the settings page and for autoconfiguration. Pure.
 */
import type { ConnectionSetting, ImapSettings, PopSettings, ReceiveConnector } from './model.ts';

/** Best first; empty: the admin publishes none, users read "Not available". */
export interface ClientSettingsSide {
  readonly pop: readonly ConnectionSetting[];
  readonly imap: readonly ConnectionSetting[];
  readonly smtp: readonly ConnectionSetting[];
}

export interface ClientSettings {
  readonly internal: ClientSettingsSide;
  readonly external: ClientSettingsSide;
}

/** TLS from the first byte before STARTTLS before none: where two ways are published, Exchange shows the first only. */
const PREFERENCE = { SSL: 0, TLS: 1, none: 2 } as const satisfies Record<ConnectionSetting['encryption'], number>;

export function bestFirst(settings: readonly ConnectionSetting[]): readonly ConnectionSetting[] {
  return settings.toSorted((a, b) => PREFERENCE[a.encryption] - PREFERENCE[b.encryption]);
}

type PublishedConnector = Pick<
  ReceiveConnector,
  'enabled' | 'advertiseClientSettings' | 'fqdn' | 'bindings' | 'implicitTlsBindings' | 'authMechanism'
>;

/**
 * Connectors with AdvertiseClientSettings: Fqdn and the port of the first binding, as Exchange shows them, then the
 * other ports, those with TLS from the first byte (RFC 8314 §3.3) included. One set for inside and outside: a
 * connector has one name.
 */
export function submissionSettings(connectors: readonly PublishedConnector[]): readonly ConnectionSetting[] {
  const found = new Map<string, ConnectionSetting>();
  const add = (setting: ConnectionSetting): void => {
    const key = `${setting.host.toLowerCase()}:${setting.port}`;
    if (setting.port !== 0 && !found.has(key)) found.set(key, setting);
  };
  for (const connector of connectors) {
    if (!connector.enabled || !connector.advertiseClientSettings) continue;
    const encryption = connector.authMechanism.includes('Tls') ? 'TLS' : 'none';
    for (const { port } of connector.bindings) add({ host: connector.fqdn, port, encryption });
    for (const { port } of connector.implicitTlsBindings) add({ host: connector.fqdn, port, encryption: 'SSL' });
  }
  return [...found.values()];
}

/** For users of one server: its POP and IMAP settings and its receive connectors. */
export function clientSettings(published: {
  readonly pop: Pick<PopSettings, 'internalConnectionSettings' | 'externalConnectionSettings'>;
  readonly imap: Pick<ImapSettings, 'internalConnectionSettings' | 'externalConnectionSettings'>;
  readonly connectors: readonly PublishedConnector[];
}): ClientSettings {
  const smtp = submissionSettings(published.connectors);
  return {
    internal: {
      pop: bestFirst(published.pop.internalConnectionSettings),
      imap: bestFirst(published.imap.internalConnectionSettings),
      smtp,
    },
    external: {
      pop: bestFirst(published.pop.externalConnectionSettings),
      imap: bestFirst(published.imap.externalConnectionSettings),
      smtp,
    },
  };
}
