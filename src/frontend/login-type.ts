/**
 * LoginType: which authentication is taken without TLS (exchange-behaviour.md §5.7).
 *
 * PlainTextLogin: everything. PlainTextAuthentication: only mechanisms that never show the password. SecureLogin:
 * nothing before TLS.
 */
import type { Authenticator, LogonContext } from '../auth/api.ts';
import type { LoginType } from '../directory/model.ts';
import { Failure } from '../observe/failure.ts';
import type { Connection } from '../wire/connection.ts';

/** Mechanisms that show the password, or a token as good as one, to whoever listens. */
const PLAIN_TEXT = new Set(['PLAIN', 'LOGIN', 'XOAUTH2', 'OAUTHBEARER']);

export function logonContext(
  protocol: LogonContext['protocol'],
  connection: Connection,
  loginType: LoginType,
): LogonContext {
  const encrypted = connection.tls !== null;
  return {
    protocol,
    remoteAddress: connection.remote.address,
    encrypted,
    plainTextAllowed: encrypted || loginType === 'PlainTextLogin',
    channelBinding: encrypted ? connection.tlsExporter : null,
  };
}

/** USER/PASS and LOGIN. */
export const passwordAllowed = (encrypted: boolean, loginType: LoginType): boolean =>
  encrypted || loginType === 'PlainTextLogin';

export function mechanismsFor(
  authenticator: Authenticator,
  context: LogonContext,
  loginType: LoginType,
): readonly string[] {
  if (!context.encrypted && loginType === 'SecureLogin') return [];
  const mechanisms = authenticator.mechanisms(context);
  if (passwordAllowed(context.encrypted, loginType)) return mechanisms;
  return mechanisms.filter((name) => !PLAIN_TEXT.has(name));
}

/** What a client hears who would send its password for all to read. */
export const privacyRequired = (command: 'STARTTLS' | 'STLS'): Failure =>
  new Failure('PRIVACYREQUIRED', `Turn on TLS first, with ${command} or on the SSL port`);
