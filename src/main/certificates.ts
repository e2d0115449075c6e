/**
 * The organization's authority and this server's certificate, from the data directory, made where missing; before it
 * the public certificate of the configuration file, where there is one.
 */
import path from 'node:path';
import type { DataLayout } from '../config/data-directory.ts';
import type { Configuration } from '../config/schema.ts';
import type { Directory } from '../directory/api.ts';
import type { Server } from '../directory/model.ts';
import { Failure } from '../observe/failure.ts';
import type { Log } from '../observe/log.ts';
import { createAuthority } from '../tls/authority.ts';
import { type CertificateSource, type CertificateStore, loadCertificates } from '../tls/certificates.ts';
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
  options: { readonly names?: readonly string[]; readonly configuration?: Configuration } = {},
): Promise<ServerCertificates> {
  const { name: organization } = await directory.organization();
  const domains = (await directory.domains()).map((domain) => domain.name);
  const authority = await createAuthority({ directory: layout.tls, organization, domains: [...domains, server.fqdn] });
  const request = { authority, directory: layout.tls, fqdn: server.fqdn, names: options.names ?? [], log };
  const { certificateFile, keyFile } = await ensureServerCertificate(request);
  // Ours stays behind a public one: it is the one for localhost, and for names the public one does not have.
  const sources = [...broughtAlong(layout, options.configuration), { certificateFile, keyFile }];
  const store = await loadCertificates({ sources, log });
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

/** @throws Failure CANNOT when only one of the two files is named */
function broughtAlong(layout: DataLayout, configuration: Configuration | undefined): readonly CertificateSource[] {
  const { certificate, key } = configuration?.tls ?? { certificate: '', key: '' };
  if (certificate === '' && key === '') return [];
  if (certificate === '' || key === '') {
    throw new Failure('CANNOT', 'penfold.toml: `tls.certificate` and `tls.key` belong together, only one is set');
  }
  return [{ certificateFile: path.resolve(layout.root, certificate), keyFile: path.resolve(layout.root, key) }];
}
