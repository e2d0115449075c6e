/** What `penfold doctor` looks through: the directory, the running server where there is one, the machine. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { DataLayout } from '../config/data-directory.ts';
import { readConfiguration } from '../config/read.ts';
import { examine } from '../management/doctor/examine.ts';
import type { Finding } from '../management/doctor/finding.ts';
import { systemNames } from '../management/doctor/names.ts';
import type { CertificateFacts } from '../management/services-of-instance.ts';
import { silentLog } from '../observe/log.ts';
import { openCertificates } from './certificates.ts';
import { runningInstance } from './instance.ts';
import { openDirectory, ownServer } from './open-directory.ts';
import { certificateFacts } from './management.ts';

export interface Doctor {
  findings(): AsyncIterable<Finding>;
  close(): Promise<void>;
}

/** @throws Failure NONEXISTENT (nothing is set up), ConfigurationError */
export async function openDoctor(layout: DataLayout): Promise<Doctor> {
  const configuration = await readConfiguration(layout.configuration);
  const directory = await openDirectory(layout);
  try {
    const server = await ownServer(directory, configuration.server.name);
    const running = await runningInstance(layout, configuration);
    const certificates = await openCertificates(layout, directory, server, silentLog, { configuration });
    const { store, authorityFile } = certificates;
    const authority = new X509Certificate(await readFile(authorityFile));
    const health = running === null ? null : await running.health();
    const status = running === null ? null : await running.status();
    return {
      findings: () =>
        examine({
          directory,
          server,
          paths: { root: layout.root, tls: layout.tls, logs: path.join(layout.root, 'logs') },
          names: systemNames(),
          status,
          health,
          certificates: store.known().map(certificateFacts),
          covering: (name): CertificateFacts | null => {
            const known = store.covering(name);
            return known === null ? null : certificateFacts(known);
          },
          isOwnIssuer: ({ certificate }) => certificate.checkIssued(authority),
          now: Date.now(),
        }),
      close: async () => {
        certificates.close();
        await directory.close();
      },
    };
  } catch (error) {
    await directory.close();
    throw error;
  }
}
