/**
 * The directory in one SQLite file (or in memory, for tests and trials): `openSqliteDirectory`. Several processes may
 * have the file open; each sees the others' changes within POLL_MS.
 */
import { silentLog, type Log } from '../../../observe/log.ts';
import type { Directory } from '../../api.ts';
import { Accounts } from './accounts.ts';
import { DirectoryFile } from './file.ts';
import { Connectors, imapSettingsOf, popSettingsOf, Services } from './server-settings.ts';
import { Topology } from './topology.ts';

export interface SqliteDirectoryOptions {
  /** Path of the file, made when missing, or ':memory:'. */
  readonly file: string;
  readonly log?: Log;
}

/** @throws Failure UNAVAILABLE when the file cannot be opened, is no directory, or is of a newer version */
export async function openSqliteDirectory(options: SqliteDirectoryOptions): Promise<Directory> {
  const log = options.log ?? silentLog;
  const onRefused = (name: string): void =>
    log.warn({ setting: name }, 'directory: a stored value is no longer acceptable; its default applies');
  const file: DirectoryFile = new DirectoryFile(options.file, log, (change) => {
    topology.forget(change);
    accounts.forget(change);
    pop.forget(change);
    imap.forget(change);
    connectors.forget(change);
    services.forget(change);
  });
  const topology = new Topology(file);
  const accounts = new Accounts(file, topology, onRefused);
  const pop = popSettingsOf(file, topology, onRefused);
  const imap = imapSettingsOf(file, topology, onRefused);
  const connectors = new Connectors(file, topology, onRefused);
  const services = new Services(file, topology);

  return {
    organization: async () => topology.organization(),
    setOrganization: async (patch) => topology.setOrganization(patch),
    sites: async () => topology.sites(),
    addSite: async (name) => topology.addSite(name),
    servers: async () => topology.servers(),
    addServer: async (server) => topology.addServer(server),
    databases: async () => topology.databases(),
    addDatabase: async (database) => topology.addDatabase(database),
    domains: async () => topology.domains(),
    addDomain: async (domain) => topology.addDomain(domain),

    accountByLogonName: async (name) => accounts.byLogonName(name),
    accountByAddress: async (address) => accounts.byAddress(address),
    account: async (id) => accounts.byId(id),
    accounts: async (page) => accounts.page(page),
    addAccount: async (account) => {
      const [added] = accounts.add([account]);
      if (added === undefined) throw new Error('one account in, none out');
      return added;
    },
    addAccounts: async (given) => accounts.add(given),
    changeAccount: async (id, patch) => accounts.change(id, patch),
    removeAccount: async (id) => accounts.remove(id),
    credentials: async (id) => accounts.credentials(id),
    clientAccess: async (id) => accounts.clientAccess(id),
    setClientAccess: async (id, patch) => accounts.setClientAccess(id, patch),

    popSettings: async (server) => pop.get(server),
    setPopSettings: async (server, patch) => pop.set(server, patch),
    imapSettings: async (server) => imap.get(server),
    setImapSettings: async (server, patch) => imap.set(server, patch),

    connectors: async (server) => connectors.of(server),
    addConnector: async (connector) => connectors.add(connector),
    changeConnector: async (id, patch) => connectors.change(id, patch),
    removeConnector: async (id) => connectors.remove(id),

    services: async (server) => services.of(server),
    setService: async (server, service, patch) => services.set(server, service, patch),

    watch: (listener) => file.listen(listener),
    close: async () => file.close(),
  };
}
