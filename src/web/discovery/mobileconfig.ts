/**
 * A configuration profile for Apple Mail on phones and computers (Apple's Configuration Profile Reference,
 * `com.apple.mail.managed`): one account, the password asked for by the device. Signing is cms-signature.ts.
 */
import { createHash } from 'node:crypto';
import type { ClientOffer } from '../../directory/client-offer.ts';
import { type Element, element, xmlDocument } from './xml.ts';

const DOCTYPE =
  '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">\n';

type Value = string | number | boolean | readonly Value[] | { readonly [key: string]: Value };

/** Null: an account needs a way in and a way out, and one of them is not offered. */
export function mobileconfig(offer: ClientOffer, address: string): string | null {
  const incoming = offer.imap[0] ?? offer.pop[0];
  const outgoing = offer.smtp[0];
  if (incoming === undefined || outgoing === undefined) return null;
  const identifier = `${offer.domain.split('.').toReversed().join('.')}.penfold.mail`;
  const id = (part: string): string => stableUuid(`${part}\n${offer.domain}\n${address.toLowerCase()}`);
  const account: Value = {
    PayloadType: 'com.apple.mail.managed',
    PayloadVersion: 1,
    PayloadIdentifier: `${identifier}.account`,
    PayloadUUID: id('account'),
    PayloadDisplayName: address,
    EmailAccountType: offer.imap.length > 0 ? 'EmailTypeIMAP' : 'EmailTypePOP',
    EmailAccountDescription: `${offer.organization} (${address})`,
    EmailAddress: address,
    IncomingMailServerAuthentication: 'EmailAuthPassword',
    IncomingMailServerHostName: incoming.host,
    IncomingMailServerPortNumber: incoming.port,
    // The device finds out by itself whether that is TLS from the first byte or STARTTLS.
    IncomingMailServerUseSSL: true,
    IncomingMailServerUsername: address,
    OutgoingMailServerAuthentication: 'EmailAuthPassword',
    OutgoingMailServerHostName: outgoing.host,
    OutgoingMailServerPortNumber: outgoing.port,
    OutgoingMailServerUseSSL: true,
    OutgoingMailServerUsername: address,
    OutgoingPasswordSameAsIncomingPassword: true,
    SMIMEEnabled: false,
    PreventMove: false,
    PreventAppSheet: false,
  };
  const profile: Value = {
    PayloadType: 'Configuration',
    PayloadVersion: 1,
    PayloadIdentifier: identifier,
    PayloadUUID: id('profile'),
    PayloadDisplayName: `${offer.organization}: ${address}`,
    PayloadDescription: `Sets up mail for ${address}.`,
    PayloadOrganization: offer.organization,
    PayloadRemovalDisallowed: false,
    PayloadContent: [account],
  };
  return xmlDocument(element('plist', [written(profile)], { version: '1.0' }), DOCTYPE);
}

function written(value: Value): Element {
  if (typeof value === 'string') return element('string', value);
  if (typeof value === 'number') return element('integer', value);
  if (typeof value === 'boolean') return element(value ? 'true' : 'false', '');
  if (isList(value)) return element('array', value.map(written));
  return element(
    'dict',
    Object.entries(value).flatMap(([key, inner]) => [element('key', key), written(inner)]),
  );
}

const isList = (value: Value): value is readonly Value[] => Array.isArray(value);

/** The same for the same account, so that a profile that is loaded again takes the first one's place (RFC 9562 §5.8). */
function stableUuid(name: string): string {
  const bytes = createHash('sha256').update('penfold mobileconfig\n').update(name).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex').toUpperCase();
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
