/** The organization's authority and this server's certificate, from the data directory, made where missing. */
import type { DataLayout } from '../config/data-directory.ts';
import type { Directory } from '../directory/api.ts';
import type { Server } from '../directory/model.ts';
import type { Log } from '../observe/log.ts';
import { createAuthority } from '../tls/authority.ts';
import { type CertificateStore, loadCertificates } from '../tls/certificates.ts';
import { ensureServerCertificate, scheduleRenewal } from '../tls/server-certificate.ts';

export interface ServerCertificates {
  readonly store: CertificateStore;
  /** For clients to trust. */
  readonly authorityFile: string;
  close(): void;
}

/** `names`: what clients may call the server beside its own name, localhost and the loopback addresses. */
export async function openCertificates(
  layout: DataLayout,
  directory: Directory,
  server: Server,
  log: Log,
  names: readonly string[] = [],
): Promise<ServerCertificates> {
  const { name: organization } = await directory.organization();
  const domains = (await directory.domains()).map((domain) => domain.name);
  const authority = await createAuthority({ directory: layout.tls, organization, domains: [...domains, server.fqdn] });
  const request = { authority, directory: layout.tls, fqdn: server.fqdn, names, log };
  const { certificateFile, keyFile } = await ensureServerCertificate(request);
  const store = await loadCertificates({ sources: [{ certificateFile, keyFile }], log });
  const stopRenewal = scheduleRenewal(request);
  return {
    store,
    authorityFile: authority.certificateFile,
    close: () => {
      stopRenewal();
      store.close();
    },
  };
}
