/**
 * What one mailbox is served over one protocol: the server's settings, or the mailbox's own where it has some
 * (exchange-behaviour.md §1.2, §2, §5.1). Pure; says also where the links of meetings lead.
 */
import type { ClientAccessSettings, MailProtocolSettings } from '../../directory/model.ts';
import type { RenderingWish } from '../../message/render/wish.ts';
import { unreachable } from '../../observe/failure.ts';

/** Base of the web app's addresses inside and outside of the organization. */
export type WebAddress = (kind: 'internal' | 'external') => string;

/** `access`: of the mailbox that is read, also where a delegate reads it. */
export function renderingWish(
  protocol: 'imap' | 'pop3',
  server: MailProtocolSettings,
  access: ClientAccessSettings,
  webAddress: WebAddress,
): RenderingWish {
  const own = protocol === 'imap' ? imapOwn(access) : popOwn(access);
  return {
    format: own.usesDefaults ? server.messageRetrievalMimeFormat : own.format,
    calendarLinkBase: !own.usesDefaults && own.forcesICalendar ? null : linkBase(server, webAddress),
  };
}

interface Own {
  readonly usesDefaults: boolean;
  readonly format: MailProtocolSettings['messageRetrievalMimeFormat'];
  readonly forcesICalendar: boolean;
}

const imapOwn = (access: ClientAccessSettings): Own => ({
  usesDefaults: access.imapUseProtocolDefaults,
  format: access.imapMessagesRetrievalMimeFormat,
  forcesICalendar: access.imapForceICalForCalendarRetrievalOption,
});

const popOwn = (access: ClientAccessSettings): Own => ({
  usesDefaults: access.popUseProtocolDefaults,
  format: access.popMessagesRetrievalMimeFormat,
  forcesICalendar: access.popForceICalForCalendarRetrievalOption,
});

function linkBase(server: MailProtocolSettings, webAddress: WebAddress): string | null {
  const option = server.calendarItemRetrievalOption;
  switch (option) {
    case 'iCalendar':
      return null;
    case 'IntranetUrl':
      return webAddress('internal');
    case 'InternetUrl':
      return webAddress('external');
    // The settings demand an address with this option; without one there is nothing to link to.
    case 'Custom':
      return server.owaServerUrl === '' ? null : server.owaServerUrl;
    default:
      return unreachable(option);
  }
}

/**
 * Inside, the server's own name. Outside, the host of the first external connection setting, the only name that the
 * directory knows to be valid there; without one, the server's own name.
 */
export function webAddressOf(fqdn: string, server: MailProtocolSettings): WebAddress {
  const external = server.externalConnectionSettings[0]?.host ?? fqdn;
  return (kind) => `https://${kind === 'internal' ? fqdn : external}`;
}
