/**
 * Thunderbird's autoconfiguration, format 1.1, which K-9, Evolution and others read too:
 * `/.well-known/autoconfig/mail/config-v1.1.xml` on the domain, `/mail/config-v1.1.xml` on `autoconfig.<domain>`.
 */
import type { ClientOffer, ProtectedSetting } from '../../directory/client-offer.ts';
import { type Element, element, xmlDocument } from './xml.ts';

export function autoconfig({ domain, organization, imap, pop, smtp }: ClientOffer): string {
  return xmlDocument(
    element(
      'clientConfig',
      [
        element(
          'emailProvider',
          [
            element('domain', domain),
            element('displayName', organization),
            element('displayShortName', organization),
            ...imap.map((setting) => element('incomingServer', serverOf(setting), { type: 'imap' })),
            ...pop.map((setting) =>
              element('incomingServer', [...serverOf(setting), element('pop3', KEEP_MESSAGES)], { type: 'pop3' }),
            ),
            ...smtp.map((setting) => element('outgoingServer', serverOf(setting), { type: 'smtp' })),
          ],
          { id: domain },
        ),
      ],
      { version: '1.1' },
    ),
  );
}

/** POP3 programs that delete at once are what people lose mail by (exchange-behaviour.md §13). */
const KEEP_MESSAGES: readonly Element[] = [element('leaveMessagesOnServer', 'true')];

/** "password-cleartext" is within TLS: these settings are protected ones only. */
const serverOf = ({ host, port, encryption }: ProtectedSetting): readonly Element[] => [
  element('hostname', host),
  element('port', port),
  element('socketType', encryption === 'SSL' ? 'SSL' : 'STARTTLS'),
  element('username', '%EMAILADDRESS%'),
  element('authentication', 'password-cleartext'),
];
