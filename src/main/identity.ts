/** The identity of a running server: a certificate from the organization's server authority, renewed while it runs. */
import type { ServerId } from '../directory/model.ts';
import type { Log } from '../observe/log.ts';
import { openServerAuthority } from '../tls/server-authority.ts';
import { openServerIdentity, type ServerIdentity } from '../tls/server-identity.ts';
import type { OrganizationSecrets } from './organization-secrets.ts';

/** The authority's key is opened for each signature and not kept. */
export function openIdentity(
  server: ServerId,
  secrets: Pick<OrganizationSecrets, 'serverAuthority'>,
  log: Log,
): Promise<ServerIdentity & { close(): void }> {
  return openServerIdentity({
    server,
    log,
    issue: async () => {
      const authority = await openServerAuthority(await secrets.serverAuthority());
      return { ...(await authority.issue(server)), trusted: [authority.certificatePem] };
    },
  });
}
