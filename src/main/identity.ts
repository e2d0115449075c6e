/**
 * The identity of a running server: a certificate from the organization's server authority, renewed while it runs, and
 * at once when another authority takes that one's place.
 */
import type { Directory } from '../directory/api.ts';
import type { ServerId } from '../directory/model.ts';
import type { Log } from '../observe/log.ts';
import { openServerAuthority } from '../tls/server-authority.ts';
import { openServerIdentity, type ServerIdentity } from '../tls/server-identity.ts';
import type { OrganizationSecrets } from './organization-secrets.ts';

/** The authority's key is opened for each signature and not kept. */
export async function openIdentity(
  directory: Pick<Directory, 'watch'>,
  server: ServerId,
  secrets: Pick<OrganizationSecrets, 'serverAuthority'>,
  log: Log,
): Promise<ServerIdentity & { close(): void }> {
  const identity = await openServerIdentity({
    server,
    log,
    issue: async () => {
      const authority = await openServerAuthority(await secrets.serverAuthority());
      return { ...(await authority.issue(server)), trusted: [authority.certificatePem] };
    },
  });
  const unwatch = directory.watch(({ kind }) => {
    // Its secrets count as part of the organization; one certificate too many costs a millisecond.
    if (kind !== 'organization') return;
    identity.renew().catch((error: unknown) => log.error({ error }, 'the identity of this server was not renewed'));
  });
  return {
    ...identity,
    close: () => {
      unwatch();
      identity.close();
    },
  };
}
