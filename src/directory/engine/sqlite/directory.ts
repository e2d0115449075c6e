/**
 * The directory in one SQLite file (or in memory, for tests and trials): `openSqliteDirectory`. Several processes may
 * have the file open; each sees the others' changes within POLL_MS.
 */
import { silentLog, type Log } from '../../../observe/log.ts';
import type { Directory, DirectoryChange } from '../../api.ts';
import { AUDIT_ENTRIES_KEPT, AUDIT_RETENTION_DAYS, SERVER_ACTOR } from '../../audit.ts';
import type { Account, AccountId, Actor, ClientAccessSettings, MailboxSettings, Quotas } from '../../model.ts';
import { clientAccessSchema } from '../../settings/client-access.ts';
import { mailboxSchema } from '../../settings/mailbox.ts';
import { checkClientAccess } from '../../settings/rules.ts';
import { AccountSettings } from './account-settings.ts';
import { Accounts } from './accounts.ts';
import { AuditLog, type AuditRetention } from './audit-log.ts';
import { ComponentRequests } from './component-requests.ts';
import { Connectors } from './connectors.ts';
import { DisconnectedMailboxes } from './disconnected-mailboxes.ts';
import { Domains } from './domains.ts';
import { DirectoryFile } from './file.ts';
import { checkMailbox, effectiveQuotas } from './mailboxes.ts';
import { OrganizationSecrets } from './organization-secrets.ts';
import { Rights } from './rights.ts';
import { clientAccessServerOf, imapSettingsOf, popSettingsOf } from './protocol-settings.ts';
import { Services } from './service-states.ts';
import { ThrottlingPolicies } from './throttling-policies.ts';
import { Topology } from './topology.ts';

export interface SqliteDirectoryOptions {
  /** Path of the file, made when missing, or ':memory:'. */
  readonly file: string;
  readonly log?: Log;
  readonly auditRetention?: AuditRetention;
  /** ms since 1970; dates audit entries and component requests. For tests. */
  readonly now?: () => number;
}

/** @throws Failure UNAVAILABLE when the file cannot be opened, is no directory, or is of a newer version */
export async function openSqliteDirectory(options: SqliteDirectoryOptions): Promise<Directory> {
  const log = options.log ?? silentLog;
  const now = options.now ?? Date.now;
  const onRefused = (name: string): void =>
    log.warn({ setting: name }, 'directory: a stored value is no longer acceptable; its default applies');
  const forget = (change: DirectoryChange): void => {
    for (const cache of caches) cache.forget(change);
  };
  const file: DirectoryFile = new DirectoryFile(options.file, log, forget, now);
  const topology = new Topology(file, onRefused);
  const secrets = new OrganizationSecrets(file);
  const domains = new Domains(file);
  const accounts = new Accounts(file, topology, domains);
  const disconnected = new DisconnectedMailboxes(file, topology);
  const policies = new ThrottlingPolicies(file, onRefused);
  const rights = new Rights(file, accounts);
  const clientAccess = new AccountSettings<ClientAccessSettings>(
    file,
    accounts,
    {
      table: 'client_access',
      schema: clientAccessSchema,
      check: (patch, merged) => checkClientAccess(clientAccessSchema, patch, merged),
    },
    onRefused,
  );
  const mailboxes = new AccountSettings<MailboxSettings>(
    file,
    accounts,
    {
      table: 'mailbox_settings',
      schema: mailboxSchema,
      check: (patch, merged, account) => checkMailbox(policies, patch, merged, account),
    },
    onRefused,
  );
  const pop = popSettingsOf(file, topology, onRefused);
  const imap = imapSettingsOf(file, topology, onRefused);
  const clientAccessServers = clientAccessServerOf(file, topology, onRefused);
  const connectors = new Connectors(file, topology, onRefused);
  const services = new Services(file, topology);
  const components = new ComponentRequests(file, topology, now);
  const caches = [
    topology,
    domains,
    accounts,
    policies,
    rights,
    clientAccess,
    mailboxes,
    pop,
    imap,
    clientAccessServers,
    connectors,
    services,
    components,
  ];
  const audit = new AuditLog(
    file,
    log,
    options.auditRetention ?? { days: AUDIT_RETENTION_DAYS, entries: AUDIT_ENTRIES_KEPT },
    now,
  );

  const quotasOf = (id: AccountId): Quotas =>
    effectiveQuotas(accounts.existing(id), mailboxes.get(id), (database) => topology.databaseSettings(database));
  const addOne = (actor: Actor, account: Parameters<Directory['addAccount']>[0]): Account => {
    const [added] = accounts.add(actor, [account]);
    if (added === undefined) throw new Error('one account in, none out');
    return added;
  };

  /** Everything is shared between views; a view only remembers in whose name it writes. */
  const view = (actor: Actor): Directory => ({
    organization: async () => topology.organization(),
    setOrganization: async (patch) => topology.setOrganization(actor, patch),
    organizationSecret: async (name) => secrets.get(name),
    setOrganizationSecret: async (name, value, onlyIfAbsent = false) => secrets.set(actor, name, value, onlyIfAbsent),
    sites: async () => topology.sites(),
    addSite: async (name) => topology.addSite(actor, name),
    changeSite: async (id, patch) => topology.changeSite(actor, id, patch),
    removeSite: async (id) => topology.removeSite(actor, id),
    servers: async () => topology.servers(),
    addServer: async (server) => topology.addServer(actor, server),
    changeServer: async (id, patch) => topology.changeServer(actor, id, patch),
    removeServer: async (id) => topology.removeServer(actor, id),
    databases: async () => topology.databases(),
    addDatabase: async (database) => topology.addDatabase(actor, database),
    changeDatabase: async (id, patch) => topology.changeDatabase(actor, id, patch),
    removeDatabase: async (id) => topology.removeDatabase(actor, id),
    databaseSettings: async (id) => topology.databaseSettings(id),
    setDatabaseSettings: async (id, patch) => topology.setDatabaseSettings(actor, id, patch),

    domains: async () => domains.all(),
    addDomain: async (domain) => domains.add(actor, domain),
    changeDomain: async (name, patch) => domains.change(actor, name, patch),
    removeDomain: async (name) => domains.remove(actor, name),

    accountByLogonName: async (name) => accounts.byLogonName(name),
    accountByAddress: async (address) => accounts.byAddress(address),
    accountByAlias: async (alias) => accounts.byAlias(alias),
    account: async (id) => accounts.byId(id),
    accounts: async (page) => accounts.page(page),
    addAccount: async (account) => addOne(actor, account),
    addAccounts: async (given) => accounts.add(actor, given),
    changeAccount: async (id, patch) =>
      accounts.change(actor, id, patch, (transaction) => rights.removeAllOn(transaction, id)),
    removeAccount: async (id) => accounts.remove(actor, id, (transaction) => rights.removeAllOf(transaction, id)),
    disconnectedMailboxes: async () => disconnected.all(),
    forgetMailbox: async (id) => disconnected.forget(actor, id),
    credentials: async (id) => accounts.credentials(id),

    clientAccess: async (id) => clientAccess.get(id),
    setClientAccess: async (id, patch) => clientAccess.set(actor, id, patch),
    mailboxSettings: async (id) => mailboxes.get(id),
    setMailboxSettings: async (id, patch) => mailboxes.set(actor, id, patch),
    effectiveQuotas: async (id) => quotasOf(id),

    permissions: async (filter) => rights.permissions(filter),
    setPermission: async (permission) => rights.setPermission(actor, permission),
    roleGroups: async (account) => rights.roleGroups(account),
    roleMembers: async (group) => rights.roleMembers(group),
    setRoleGroups: async (account, groups) => rights.setRoleGroups(actor, account, groups),

    throttlingPolicies: async () => policies.all(),
    setThrottlingPolicy: async (policy) => policies.set(actor, policy),
    removeThrottlingPolicy: async (name) => policies.remove(actor, name),
    effectiveThrottling: async (id) => policies.effective(mailboxes.get(id)),

    componentRequests: async (server) => components.of(server),
    setComponentRequest: async (server, request) => components.set(actor, server, request),

    as: (named) => view(named),
    auditLog: async (query) => audit.query(query),
    recordAudit: async (entry) => file.write(actor, (transaction) => transaction.record(entry)),

    popSettings: async (server) => pop.get(server),
    setPopSettings: async (server, patch) => pop.set(actor, server, patch),
    imapSettings: async (server) => imap.get(server),
    setImapSettings: async (server, patch) => imap.set(actor, server, patch),
    clientAccessServer: async (server) => clientAccessServers.get(server),
    setClientAccessServer: async (server, patch) => clientAccessServers.set(actor, server, patch),

    connectors: async (server) => connectors.of(server),
    addConnector: async (connector) => connectors.add(actor, connector),
    changeConnector: async (id, patch) => connectors.change(actor, id, patch),
    removeConnector: async (id) => connectors.remove(actor, id),

    services: async (server) => services.of(server),
    setService: async (server, service, patch) => services.set(actor, server, service, patch),

    watch: (listener) => file.listen(listener),
    close: async () => {
      audit.close();
      file.close();
    },
  });
  return view(SERVER_ACTOR);
}
