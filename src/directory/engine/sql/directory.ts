/**
 * The directory on any SQL database: reads come from what is known, writes go to the tables, each in one transaction
 * with its audit entry. An adapter hands in its database (`openSqliteDirectory`, `openPostgresDirectory`).
 */
import { Failure } from '../../../observe/failure.ts';
import type { Log } from '../../../observe/log.ts';
import type { Directory, DirectoryChange } from '../../api.ts';
import { AUDIT_ENTRIES_KEPT, AUDIT_RETENTION_DAYS, SERVER_ACTOR } from '../../audit.ts';
import type { AccountId, Actor, ClientAccessSettings, MailboxSettings, Quotas } from '../../model.ts';
import { clientAccessSchema } from '../../settings/client-access.ts';
import { mailboxSchema } from '../../settings/mailbox.ts';
import { checkClientAccess } from '../../settings/rules.ts';
import { AccountSettings } from './account-settings.ts';
import { addAccounts, changeAccount, readPage, removeAccount } from './accounts.ts';
import { appPasswordsOf } from './app-passwords.ts';
import { AuditLog, type AuditRetention } from './audit-log.ts';
import { setComponentRequest } from './component-requests.ts';
import { addConnector, changeConnector, removeConnector } from './connectors.ts';
import { forgetDisconnected, readDisconnected } from './disconnected-mailboxes.ts';
import { addDomain, changeDomain, removeDomain } from './domains.ts';
import { endWebSessionsOf } from './ended-sign-ins.ts';
import { Known } from './known.ts';
import { lastUsesOf } from './last-uses.ts';
import { addDatabase, changeDatabase, removeDatabase, setDatabaseSettings } from './mailbox-databases.ts';
import { checkMailbox, effectiveQuotas } from './mailboxes.ts';
import { moveRequestsOf } from './move-requests.ts';
import { readOrganizationSecret, setOrganizationSecret } from './organization-secrets.ts';
import { setOrganization } from './organization.ts';
import { preferencesOf } from './preferences.ts';
import { clientAccessServerOf, imapSettingsOf, popSettingsOf } from './protocol-settings.ts';
import { readRoleMembers, removeAllOf, removeAllOn, setPermission, setRoleGroups } from './rights.ts';
import type { OnRefused, SqlDatabase, Transaction } from './seam.ts';
import { addServer, changeServer, removeServer } from './servers.ts';
import { setService } from './service-states.ts';
import { addSite, changeSite, removeSite } from './sites.ts';
import { effectiveThrottling, readPolicies, removePolicy, setPolicy } from './throttling-policies.ts';
import { webSessionsOf } from './web-sessions.ts';

export interface SqlDirectoryOptions {
  readonly log: Log;
  readonly auditRetention?: AuditRetention | undefined;
  /** ms since 1970; dates audit entries and component requests. */
  readonly now: () => number;
  /** Opens the database; `forget` has to hear of each change before any listener does. */
  readonly open: (forget: (change: DirectoryChange) => void) => Promise<SqlDatabase>;
}

/** @throws Failure as `open` does */
export async function openSqlDirectory(options: SqlDirectoryOptions): Promise<Directory> {
  const { log, now } = options;
  const onRefused: OnRefused = (name) =>
    log.warn({ setting: name }, 'directory: a stored value is no longer acceptable; its default applies');
  const clientAccess = new AccountSettings<ClientAccessSettings>(
    {
      table: 'client_access',
      schema: clientAccessSchema,
      check: async (_, patch, merged) => checkClientAccess(clientAccessSchema, patch, merged),
    },
    onRefused,
  );
  const mailbox = new AccountSettings<MailboxSettings>(
    {
      table: 'mailbox_settings',
      schema: mailboxSchema,
      check: async (reader, patch, merged, account) =>
        checkMailbox(await readPolicies(reader, onRefused), patch, merged, account),
    },
    onRefused,
  );
  const pop = popSettingsOf(onRefused);
  const imap = imapSettingsOf(onRefused);
  const clientAccessServer = clientAccessServerOf(onRefused);

  const caches: Known[] = [];
  const database = await options.open((change) => {
    for (const cache of caches) cache.forget(change);
  });
  const known = new Known(database, { clientAccess, mailbox, pop, imap, clientAccessServer }, onRefused);
  caches.push(known);
  const retention = options.auditRetention ?? { days: AUDIT_RETENTION_DAYS, entries: AUDIT_ENTRIES_KEPT };
  const audit = new AuditLog(database, log, retention, now);

  const quotasOf = async (id: AccountId): Promise<Quotas> => {
    const account = await known.existingAccount(id);
    if (account.mailbox === null) throw new Failure('NONEXISTENT', `${account.alias} has no mailbox`);
    return effectiveQuotas(await known.mailboxSettings(id), await known.databaseSettings(account.mailbox.database));
  };

  /** Everything is shared between views; a view only remembers in whose name it writes. */
  const view = (actor: Actor): Directory => {
    const write = <T>(work: (transaction: Transaction) => Promise<T>): Promise<T> => database.write(actor, work);
    return {
      organization: () => known.organization(),
      setOrganization: (patch) => write((to) => setOrganization(to, patch, onRefused)),
      organizationSecret: (name) => readOrganizationSecret(database, name),
      setOrganizationSecret: (name, value, onlyIfAbsent = false) =>
        write((to) => setOrganizationSecret(to, name, value, onlyIfAbsent)),
      sites: () => known.sites(),
      addSite: (name) => write((to) => addSite(to, name)),
      changeSite: (id, patch) => write((to) => changeSite(to, id, patch)),
      removeSite: (id) => write((to) => removeSite(to, id)),
      servers: () => known.servers(),
      addServer: (server) => write((to) => addServer(to, server)),
      changeServer: (id, patch) => write((to) => changeServer(to, id, patch)),
      removeServer: (id) => write((to) => removeServer(to, id)),
      databases: () => known.databases(),
      addDatabase: (given) => write((to) => addDatabase(to, given)),
      changeDatabase: (id, patch) => write((to) => changeDatabase(to, id, patch)),
      removeDatabase: (id) => write((to) => removeDatabase(to, id)),
      databaseSettings: (id) => known.databaseSettings(id),
      setDatabaseSettings: (id, patch) => write((to) => setDatabaseSettings(to, id, patch, onRefused)),

      domains: () => known.domains(),
      addDomain: (domain) => write((to) => addDomain(to, domain)),
      changeDomain: (name, patch) => write((to) => changeDomain(to, name, patch)),
      removeDomain: (name) => write((to) => removeDomain(to, name)),

      accountByLogonName: (name) => known.accountByLogonName(name),
      accountByAddress: (address) => known.accountByAddress(address),
      accountByAlias: (alias) => known.accountByAlias(alias),
      account: (id) => known.account(id),
      accounts: (page) => readPage(database, page),
      addAccount: (account) =>
        write(async (to) => {
          const [added] = await addAccounts(to, [account]);
          if (added === undefined) throw new Error('one account in, none out');
          return added;
        }),
      addAccounts: (given) => write((to) => addAccounts(to, given)),
      changeAccount: (id, patch) => write((to) => changeAccount(to, id, patch, removeAllOn)),
      removeAccount: (id) => write((to) => removeAccount(to, id, removeAllOf)),
      disconnectedMailboxes: () => readDisconnected(database),
      forgetMailbox: (id) => write((to) => forgetDisconnected(to, id)),
      credentials: (id) => known.credentials(id),

      clientAccess: (id) => known.clientAccess(id),
      setClientAccess: (id, patch) =>
        write(async (to) => {
          const next = await clientAccess.set(to, id, patch);
          if (!next.owaEnabled) await endWebSessionsOf(to, id, null);
          return next;
        }),
      mailboxSettings: (id) => known.mailboxSettings(id),
      setMailboxSettings: (id, patch) => write((to) => mailbox.set(to, id, patch)),
      effectiveQuotas: quotasOf,

      permissions: (filter) => known.permissions(filter),
      setPermission: (permission) => write((to) => setPermission(to, permission)),
      roleGroups: (account) => known.roleGroups(account),
      roleMembers: (group) => readRoleMembers(database, group),
      setRoleGroups: (account, groups) => write((to) => setRoleGroups(to, account, groups)),

      throttlingPolicies: () => known.policies(),
      setThrottlingPolicy: (policy) => write((to) => setPolicy(to, policy, onRefused)),
      removeThrottlingPolicy: (name) => write((to) => removePolicy(to, name, onRefused)),
      effectiveThrottling: async (id) => effectiveThrottling(await known.policies(), await known.mailboxSettings(id)),

      componentRequests: (server) => known.componentRequests(server),
      setComponentRequest: (server, request) => write((to) => setComponentRequest(to, server, request)),

      as: (named) => view(named),
      auditLog: (query) => audit.query(query),
      recordAudit: (entry) => write(async (to) => to.record(entry)),

      popSettings: (server) => known.popSettings(server),
      setPopSettings: (server, patch) => write((to) => pop.set(to, server, patch)),
      imapSettings: (server) => known.imapSettings(server),
      setImapSettings: (server, patch) => write((to) => imap.set(to, server, patch)),

      clientAccessServer: (server) => known.clientAccessServer(server),
      setClientAccessServer: (server, patch) => write((to) => clientAccessServer.set(to, server, patch)),

      connectors: (server) => known.connectors(server),
      addConnector: (connector) => write((to) => addConnector(to, connector, onRefused)),
      changeConnector: (id, patch) => write((to) => changeConnector(to, id, patch, onRefused)),
      removeConnector: (id) => write((to) => removeConnector(to, id, onRefused)),

      services: (server) => known.services(server),
      setService: (server, service, patch) => write((to) => setService(to, server, service, patch)),

      ...moveRequestsOf(database, actor, write),
      ...webSessionsOf(database, known, now, write),
      ...appPasswordsOf(database, known, write),
      ...lastUsesOf(database, write),
      ...preferencesOf(database, write),

      isReachable: () => database.isReachable,
      watch: (listener) => database.listen(listener),
      close: async () => {
        audit.close();
        await database.close();
      },
    };
  };
  return view(SERVER_ACTOR);
}
