/**
 * Who asks, over HTTPS: HTTP Basic (RFC 7617) against the same authenticator and the same throttle as every other
 * logon, then the role groups of the account. No cookie, so no session to steal; and what a browser sends by itself for
 * a page of another origin is refused, because Basic credentials travel with it.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { Authenticator } from '../../auth/api.ts';
import type { Directory } from '../../directory/api.ts';
import { Failure } from '../../observe/failure.ts';
import { basicCredentials } from '../../web/session/basic.ts';
import { checkNotForeign } from '../../web/session/same-origin.ts';
import type { Caller } from '../cmdlet.ts';

/** What a client has to be told with 401 (RFC 9110 §11.6.1; UTF-8: RFC 7617 §2.1). */
export const CHALLENGE = 'Basic realm="Penfold administration", charset="UTF-8"';

/** @throws Failure AUTHENTICATIONFAILED (also when there are no credentials), LIMIT (locked out), NOPERM, UNAVAILABLE */
export async function callerOf(
  inner: { readonly directory: Directory; readonly authenticator: Authenticator },
  headers: IncomingHttpHeaders,
  remoteAddress: string,
): Promise<Caller> {
  checkNotForeign(headers);
  const credentials = basicCredentials(headers.authorization);
  if (credentials === null)
    throw new Failure('AUTHENTICATIONFAILED', 'Log on with user name and password (HTTP Basic) of an administrator.');
  const { account } = await inner.authenticator.password(credentials.user, credentials.password, {
    protocol: 'web',
    remoteAddress,
    encrypted: true,
    channelBinding: null,
  });
  const roles = await inner.directory.roleGroups(account.id);
  if (roles.length === 0)
    throw new Failure('NOPERM', `${account.userPrincipalName} is in no role group and may run no cmdlet`);
  return { user: account.userPrincipalName, roles, via: 'api' };
}
