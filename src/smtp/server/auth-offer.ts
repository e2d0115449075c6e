/** Whether and how a client may log on over this connection now (RFC 4954 §4, exchange-behaviour.md §3.2). */
import type { SmtpContext } from './context.ts';

/** Only a connector for users takes a logon; with BasicAuthRequireTLS only after STARTTLS. */
export function authIsOffered(context: SmtpContext): boolean {
  return takesLogons(context) && !needsTlsFirst(context);
}

export function takesLogons(context: SmtpContext): boolean {
  return context.allows('ExchangeUsers') && context.connector.authMechanism.includes('BasicAuth');
}

export function needsTlsFirst(context: SmtpContext): boolean {
  const { authMechanism, requireTls } = context.connector;
  return !context.encrypted && (requireTls || authMechanism.includes('BasicAuthRequireTLS'));
}

export function announcedMechanisms(context: SmtpContext): readonly string[] {
  return context.authenticator.mechanisms(context.logonContext());
}
