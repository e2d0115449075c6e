/** From a data directory to a running server: what `penfold serve` and `penfold start` have in common. */
import type { DataLayout } from '../config/data-directory.ts';
import { readConfiguration } from '../config/read.ts';
import type { Configuration } from '../config/schema.ts';
import type { Directory } from '../directory/api.ts';
import type { Account, Binding, Server } from '../directory/model.ts';
import type { Log } from '../observe/log.ts';
import type { MailboxDatabase } from '../store/api.ts';
import { openCertificates } from './certificates.ts';
import { type RunningServer, startServer } from './compose.ts';
import { engineOf } from './engines.ts';
import { openIdentity } from './identity.ts';
import { sweepJoinTokens } from './join-token.ts';
import { lockInstance } from './instance-lock.ts';
import { openLog } from './log.ts';
import { openDirectory, ownServer } from './open-directory.ts';
import { openOrganizationSecrets } from './organization-secrets.ts';

export interface Prepared {
  readonly layout: DataLayout;
  readonly configuration: Configuration;
  readonly directory: Directory;
  readonly server: Server;
  readonly log: Log;
}

export interface RunOptions {
  readonly version: string;
  /** Another configuration file than the one in the data directory. */
  readonly configurationFile?: string;
  /** What clients may call the server beside its own name. */
  readonly names?: readonly string[];
  /** Where the web service listens; those of the configuration file when missing. */
  readonly webBindings?: readonly Binding[];
  /** Where plain HTTP is sent to HTTPS, beside those; nowhere when missing. */
  readonly redirectBindings?: readonly Binding[];
  /** The directory is open, nothing listens. */
  readonly prepare?: (prepared: Prepared) => Promise<void>;
  readonly beforeListening?: (prepared: Prepared, databaseOf: (account: Account) => MailboxDatabase) => Promise<void>;
}

export interface Run extends Prepared {
  readonly running: RunningServer;
  readonly authorityFile: string;
  readonly reload: () => Promise<unknown>;
  /** Drains and lets go of the data directory. */
  drain(ms: number): Promise<void>;
}

/** @throws Failure with the next step */
export async function runServer(layout: DataLayout, options: RunOptions): Promise<Run> {
  const configuration = await readConfiguration(options.configurationFile ?? layout.configuration);
  const lock = lockInstance(layout);
  const undo: Array<() => Promise<void>> = [async () => lock.release()];
  try {
    const log = openLog(layout, configuration);
    const directory = await openDirectory(layout, log, configuration);
    undo.push(() => directory.close());
    const server = await ownServer(directory, configuration.server.name);
    const prepared: Prepared = { layout, configuration, directory, server, log };
    await options.prepare?.(prepared);
    const certificates = await openCertificates(layout, directory, server, log, {
      names: options.names ?? [],
      configuration,
    });
    undo.push(async () => certificates.close());
    const secrets = await openOrganizationSecrets(layout, directory);
    const identity = await openIdentity(directory, server.id, secrets, log);
    undo.push(async () => identity.close());
    const stopSweep = sweepJoinTokens(directory, log);
    undo.push(async () => stopSweep());
    const running = await startServer({
      ...prepared,
      openDatabase: engineOf(layout, log),
      certificates: certificates.store,
      authorityFile: certificates.authorityFile,
      ...(options.webBindings === undefined ? {} : { webBindings: options.webBindings }),
      ...(options.redirectBindings === undefined ? {} : { redirectBindings: options.redirectBindings }),
      saltKey: await secrets.saltKey(),
      identity,
      version: options.version,
      beforeListening: async (databaseOf) => options.beforeListening?.(prepared, databaseOf),
    });
    undo.push(() => running.drain(0));
    return {
      ...prepared,
      running,
      authorityFile: certificates.authorityFile,
      reload: () => {
        log.reopen();
        return certificates.store.reload();
      },
      drain: async (ms) => {
        await running.drain(ms);
        for (const step of undo.reverse()) await step();
      },
    };
  } catch (error) {
    for (const step of undo.reverse()) await step();
    throw error;
  }
}
