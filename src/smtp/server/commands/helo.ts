/** HELO and EHLO (RFC 5321 §4.1.1.1) with the extensions the connector announces. */
import type { Buffer } from 'node:buffer';
import { argumentText } from '../../grammar/command.ts';
import { isAddressLiteral, isDomain } from '../../grammar/address.ts';
import { reply } from '../../grammar/reply.ts';
import { announcedMechanisms, authIsOffered } from '../auth-offer.ts';
import type { SmtpContext } from '../context.ts';
import { addressLiteral } from '../trace.ts';

/** Host names clients really send: machine names with underscores, bare literals. What it is goes into Received only. */
const CLIENT_NAME = /^[A-Za-z0-9._:[\]\-\u0080-\u{10ffff}]{1,255}$/u;

export async function helo(context: SmtpContext, argument: Buffer): Promise<void> {
  if (!(await greet(context, argument, 'HELO'))) return;
  context.respond(reply(250, null, hello(context)));
}

export async function ehlo(context: SmtpContext, argument: Buffer): Promise<void> {
  if (!(await greet(context, argument, 'EHLO'))) return;
  context.respond(reply(250, null, hello(context), ...(await extensions(context))));
}

/** A second greeting is a RSET (RFC 5321 §4.1.4). */
async function greet(context: SmtpContext, argument: Buffer, greeting: 'HELO' | 'EHLO'): Promise<boolean> {
  const name = argumentText(argument);
  const { requireEhloDomain } = context.connector;
  if (name === null || !CLIENT_NAME.test(name) || (requireEhloDomain && !isFullName(name))) {
    context.protocolError(reply(501, '5.5.4', `${greeting} needs the name of the client`));
    return false;
  }
  await context.reset();
  context.client = { greeting, name };
  return true;
}

/** RequireEHLODomain: a host name with a dot, or an address literal. */
const isFullName = (name: string): boolean => isAddressLiteral(name) || (isDomain(name) && name.includes('.'));

const hello = (context: SmtpContext): string =>
  `${context.connector.fqdn} Hello ${addressLiteral(context.remote.address)}`;

async function extensions(context: SmtpContext): Promise<readonly string[]> {
  const { connector } = context;
  const lines: string[] = [];
  if (connector.sizeEnabled === 'Enabled') lines.push(`SIZE ${await context.maxMessageSize()}`);
  if (connector.sizeEnabled === 'EnabledWithoutValue') lines.push('SIZE');
  if (connector.pipeliningEnabled) lines.push('PIPELINING');
  if (connector.enhancedStatusCodesEnabled) lines.push('ENHANCEDSTATUSCODES');
  if (connector.authMechanism.includes('Tls') && !context.encrypted) lines.push('STARTTLS');
  const mechanisms = authIsOffered(context) ? announcedMechanisms(context) : [];
  if (mechanisms.length > 0 && context.logon === null) lines.push(`AUTH ${mechanisms.join(' ')}`);
  if (connector.eightBitMimeEnabled) lines.push('8BITMIME');
  if (connector.deliveryStatusNotificationEnabled) lines.push('DSN');
  if (connector.chunkingEnabled) lines.push('CHUNKING');
  lines.push('SMTPUTF8');
  return lines;
}
