/** Every write method of Directory, what it does here, and the audit entries it has to leave. */
import type { Directory } from '../../src/directory/api.ts';
import { connectorForUsage } from '../../src/directory/connectors.ts';
import { type MoveBookkeeping, moveWrites } from './directory-audit-moves.ts';
import { type SignInBookkeeping, signInWrites } from './directory-audit-sign-ins.ts';
import { type AuditWorld, changed, created, removed, type Step } from './directory-audit-steps.ts';
import { credentials, person } from './directory-fixture.ts';

/** Every other method of Directory writes; a new one fails to compile here until it stands in the table. */
type Reading =
  | 'organization'
  | 'organizationSecret'
  | 'sites'
  | 'servers'
  | 'databases'
  | 'domains'
  | 'databaseSettings'
  | 'accountByLogonName'
  | 'accountByAddress'
  | 'accountByAlias'
  | 'account'
  | 'accounts'
  | 'credentials'
  | 'disconnectedMailboxes'
  | 'clientAccess'
  | 'mailboxSettings'
  | 'effectiveQuotas'
  | 'permissions'
  | 'throttlingPolicies'
  | 'effectiveThrottling'
  | 'componentRequests'
  | 'roleGroups'
  | 'roleMembers'
  | 'auditLog'
  | 'popSettings'
  | 'imapSettings'
  | 'clientAccessServer'
  | 'connectors'
  | 'services'
  | 'as'
  | 'isReachable'
  | 'watch'
  | 'close';
export type Writing = Exclude<keyof Directory, Reading | MoveBookkeeping | SignInBookkeeping>;

/** In the order in which they are run: each builds on those above it. */
export function auditedWrites(world: AuditWorld): { readonly [K in Writing]: Step } {
  const last = <T>(objects: readonly T[]): T => {
    const object = objects.at(-1);
    if (object === undefined) throw new Error('the step before made one');
    return object;
  };
  const edge = async (from: Directory) => last((await from.servers()).filter((one) => !one.backEnd)).id;
  return {
    setOrganization: {
      run: (as) => as.setOrganization({ maxSendSize: 36 * 1024 ** 2, maxReceiveSize: 10 * 1024 ** 2 }),
      leaves: [
        changed(
          'TransportConfig',
          'Contoso',
          { MaxSendSize: '10 MB (10,485,760 bytes)' },
          { MaxSendSize: '36 MB (37,748,736 bytes)' },
        ),
      ],
    },
    setOrganizationSecret: {
      run: async (as) => {
        await as.setOrganizationSecret('server-authority', Buffer.from('secret@1'));
        await as.setOrganizationSecret('server-authority', Buffer.from('secret@2'), true);
        await as.setOrganizationSecret('server-authority', Buffer.from('secret@3'));
        await as.setOrganizationSecret('server-authority', null);
      },
      leaves: [
        created('OrganizationSecret', 'server-authority', { Value: '*****' }),
        changed('OrganizationSecret', 'server-authority', {}, { Value: '*****' }),
        removed('OrganizationSecret', 'server-authority', { Value: '*****' }),
      ],
    },
    addSite: { run: (as) => as.addSite('Dublin'), leaves: [created('Site', 'Dublin', { Name: 'Dublin' })] },
    changeSite: {
      run: async (as) => as.changeSite(last(await as.sites()).id, { name: 'Galway' }),
      leaves: [changed('Site', 'Dublin', { Name: 'Dublin' }, { Name: 'Galway' })],
    },
    removeSite: {
      run: async (as) => as.removeSite(last(await as.sites()).id),
      leaves: [removed('Site', 'Galway', { Name: 'Galway' })],
    },
    addServer: {
      run: (as) =>
        as.addServer({
          name: 'FE1',
          fqdn: 'fe1.example.org',
          site: world.here().site.id,
          frontEnd: true,
          backEnd: false,
        }),
      leaves: [
        created('Server', 'FE1', {
          Name: 'FE1',
          Fqdn: 'fe1.example.org',
          Site: 'Default-First-Site-Name',
          FrontEnd: 'True',
          BackEnd: 'False',
        }),
      ],
    },
    changeServer: {
      run: async (as) => as.changeServer(await edge(as), { name: 'FE2', fqdn: 'FE2.example.org' }),
      leaves: [
        changed('Server', 'FE1', { Name: 'FE1', Fqdn: 'fe1.example.org' }, { Name: 'FE2', Fqdn: 'fe2.example.org' }),
      ],
    },
    removeServer: {
      run: async (as) => as.removeServer(await edge(as)),
      leaves: [removed('Server', 'FE2', { Name: 'FE2', Fqdn: 'fe2.example.org' }, true)],
    },
    addDatabase: {
      run: (as) =>
        as.addDatabase({
          name: 'DB2',
          server: world.here().server.id,
          engine: 'postgres',
          location: 'postgres://penfold:secret@db.example.org/mail',
        }),
      leaves: [
        created('MailboxDatabase', 'DB2', {
          Name: 'DB2',
          Server: 'MAIL1',
          Engine: 'postgres',
          Location: 'postgres://penfold:*****@db.example.org/mail',
        }),
      ],
    },
    changeDatabase: {
      run: async (as) =>
        as.changeDatabase(last(await as.databases()).id, {
          location: 'postgres://penfold:secret@db2.example.org/mail',
        }),
      leaves: [
        changed(
          'MailboxDatabase',
          'DB2',
          { Location: 'postgres://penfold:*****@db.example.org/mail' },
          { Location: 'postgres://penfold:*****@db2.example.org/mail' },
        ),
      ],
    },
    removeDatabase: {
      run: async (as) => as.removeDatabase(last(await as.databases()).id),
      leaves: [removed('MailboxDatabase', 'DB2', { Name: 'DB2', Server: 'MAIL1' }, true)],
    },
    setDatabaseSettings: {
      run: (as) => as.setDatabaseSettings(world.here().database, { mailboxRetention: 86_400 }),
      leaves: [
        changed('MailboxDatabase', 'DB1', { MailboxRetention: '30.00:00:00' }, { MailboxRetention: '1.00:00:00' }),
      ],
    },
    addDomain: {
      run: (as) => as.addDomain({ name: 'example.net', type: 'Authoritative', isDefault: false }),
      leaves: [
        created('AcceptedDomain', 'example.net', {
          DomainName: 'example.net',
          DomainType: 'Authoritative',
          Default: 'False',
        }),
      ],
    },
    changeDomain: {
      run: async (as) => {
        await as.changeDomain('example.net', { isDefault: true });
        await as.changeDomain('example.org', { isDefault: true });
      },
      leaves: [
        changed('AcceptedDomain', 'example.org', { Default: 'True' }, { Default: 'False' }),
        changed('AcceptedDomain', 'example.net', { Default: 'False' }, { Default: 'True' }),
        changed('AcceptedDomain', 'example.net', { Default: 'True' }, { Default: 'False' }),
        changed('AcceptedDomain', 'example.org', { Default: 'False' }, { Default: 'True' }),
      ],
    },
    removeDomain: {
      run: (as) => as.removeDomain('example.net'),
      leaves: [removed('AcceptedDomain', 'example.net', { DomainName: 'example.net' }, true)],
    },
    addAccount: {
      run: async (as) =>
        world.keep(await as.addAccount(person(world.here().database, 'ann', { credentials: credentials(1) }))),
      leaves: [
        created('Mailbox', 'ann', {
          DisplayName: 'ann',
          Alias: 'ann',
          UserPrincipalName: 'ann@example.org',
          RecipientTypeDetails: 'UserMailbox',
          AccountDisabled: 'False',
          Database: 'DB1',
          EmailAddresses: 'ann@example.org',
          Password: '*****',
        }),
      ],
    },
    addAccounts: {
      run: (as) =>
        as.addAccounts([
          person(world.here().database, 'bob'),
          person(world.here().database, 'service', { mailbox: null, credentials: credentials(2) }),
        ]),
      leaves: [
        created('Mailbox', 'bob', { Alias: 'bob' }, true),
        created('User', 'service', { Alias: 'service', Password: '*****' }, true),
      ],
    },
    changeAccount: {
      run: async (as) => {
        const { id } = world.the('ann');
        await as.changeAccount(id, { enabled: false, addresses: ['ann@example.org', 'a@example.org'] });
        await as.changeAccount(id, { credentials: credentials(3) });
        await as.changeAccount(id, { credentials: null, enabled: false });
      },
      leaves: [
        changed(
          'Mailbox',
          'ann',
          { AccountDisabled: 'False', EmailAddresses: 'ann@example.org' },
          { AccountDisabled: 'True', EmailAddresses: 'ann@example.org, a@example.org' },
        ),
        changed('Mailbox', 'ann', {}, { Password: '*****' }),
        changed('Mailbox', 'ann', { Password: '*****' }, {}),
      ],
    },
    setClientAccess: {
      run: (as) => as.setClientAccess(world.the('ann').id, { popEnabled: false, imapEnabled: true }),
      leaves: [changed('CASMailbox', 'ann', { PopEnabled: 'True' }, { PopEnabled: 'False' })],
    },
    setThrottlingPolicy: {
      run: async (as) => {
        await as.setThrottlingPolicy({ name: 'Scanner', scope: 'Regular', limits: { messageRateLimit: 30 } });
        await as.setThrottlingPolicy({ name: 'Scanner', scope: 'Regular', limits: { popMaxConcurrency: Infinity } });
      },
      leaves: [
        created('ThrottlingPolicy', 'Scanner', {
          Name: 'Scanner',
          ThrottlingPolicyScope: 'Regular',
          MessageRateLimit: '30',
        }),
        changed('ThrottlingPolicy', 'Scanner', { MessageRateLimit: '30' }, { PopMaxConcurrency: 'Unlimited' }),
      ],
    },
    setMailboxSettings: {
      run: (as) => as.setMailboxSettings(world.the('ann').id, { throttlingPolicy: 'Scanner', maxSendSize: 1024 }),
      leaves: [
        changed(
          'Mailbox',
          'ann',
          { MaxSendSize: 'Unlimited', ThrottlingPolicy: '' },
          { MaxSendSize: '1 KB (1,024 bytes)', ThrottlingPolicy: 'Scanner' },
        ),
      ],
    },
    removeThrottlingPolicy: {
      run: async (as) => {
        await as.setMailboxSettings(world.the('ann').id, { throttlingPolicy: '' });
        await as.removeThrottlingPolicy('Scanner');
      },
      leaves: [
        changed('Mailbox', 'ann', { ThrottlingPolicy: 'Scanner' }, { ThrottlingPolicy: '' }),
        removed('ThrottlingPolicy', 'Scanner', { Name: 'Scanner' }, true),
      ],
    },
    setPermission: {
      run: async (as) => {
        const [mailbox, user] = [world.the('sales').id, world.the('ann').id];
        await as.setPermission({ mailbox, user, rights: ['FullAccess'] });
        await as.setPermission({ mailbox, user, rights: ['FullAccess', 'SendAs'] });
        await as.setPermission({ mailbox, user, rights: [] });
        await as.setPermission({ mailbox, user, rights: ['SendAs'] });
      },
      leaves: [
        created('MailboxPermission', 'sales\\ann', { User: 'ann', AccessRights: 'FullAccess' }),
        changed(
          'MailboxPermission',
          'sales\\ann',
          { AccessRights: 'FullAccess' },
          { AccessRights: 'FullAccess, SendAs' },
        ),
        removed('MailboxPermission', 'sales\\ann', { User: 'ann', AccessRights: 'FullAccess, SendAs' }),
        created('MailboxPermission', 'sales\\ann', { User: 'ann', AccessRights: 'SendAs' }),
      ],
    },
    setRoleGroups: {
      run: (as) => as.setRoleGroups(world.the('ann').id, ['Recipient Management']),
      leaves: [changed('RoleGroupMember', 'ann', { RoleGroups: '' }, { RoleGroups: 'Recipient Management' })],
    },
    ...signInWrites(world),
    removeAccount: {
      run: (as) => as.removeAccount(world.the('ann').id),
      leaves: [
        removed(
          'Mailbox',
          'ann',
          { Alias: 'ann', RoleGroups: 'Recipient Management', MailboxPermissions: 'ann on sales: SendAs' },
          true,
        ),
      ],
    },
    forgetMailbox: {
      run: async (as) => {
        const [mailbox] = await as.disconnectedMailboxes();
        if (mailbox !== undefined) await as.forgetMailbox(mailbox.id);
      },
      leaves: [
        removed(
          'DisconnectedMailbox',
          'ann',
          { DisplayName: 'ann', Database: 'DB1', EmailAddresses: 'ann@example.org, a@example.org' },
          true,
        ),
      ],
    },
    setPopSettings: {
      run: (as) => as.setPopSettings(world.here().server.id, { messageRetrievalSortOrder: 'Descending' }),
      leaves: [
        changed(
          'PopSettings',
          'MAIL1',
          { MessageRetrievalSortOrder: 'Ascending' },
          { MessageRetrievalSortOrder: 'Descending' },
        ),
      ],
    },
    setImapSettings: {
      run: (as) =>
        as.setImapSettings(world.here().server.id, {
          externalConnectionSettings: [{ host: 'mail.example.org', port: 993, encryption: 'SSL' }],
        }),
      leaves: [
        changed(
          'ImapSettings',
          'MAIL1',
          { ExternalConnectionSettings: '' },
          { ExternalConnectionSettings: 'mail.example.org:993:SSL' },
        ),
      ],
    },
    setClientAccessServer: {
      run: (as) => as.setClientAccessServer(world.here().server.id, { proxyProtocolIpRanges: ['10.0.0.9'] }),
      leaves: [
        changed('ClientAccessServer', 'MAIL1', { ProxyProtocolIPRanges: '' }, { ProxyProtocolIPRanges: '10.0.0.9' }),
      ],
    },
    addConnector: {
      run: (as) =>
        as.addConnector(
          connectorForUsage(world.here().server, 'Custom', {
            name: 'Scanners',
            bindings: [{ address: '0.0.0.0', port: 25 }],
            remoteIpRanges: ['10.2.0.0/16'],
          }),
        ),
      leaves: [
        created('ReceiveConnector', 'MAIL1\\Scanners', { Name: 'Scanners', RemoteIPRanges: '10.2.0.0/16' }, true),
      ],
    },
    changeConnector: {
      run: (as) => as.changeConnector(world.connector().id, { requireTls: true }),
      leaves: [changed('ReceiveConnector', 'MAIL1\\Printers', { RequireTLS: 'False' }, { RequireTLS: 'True' })],
    },
    removeConnector: {
      run: (as) => as.removeConnector(world.connector().id),
      leaves: [removed('ReceiveConnector', 'MAIL1\\Printers', { Name: 'Printers', RequireTLS: 'True' }, true)],
    },
    setService: {
      run: (as) => as.setService(world.here().server.id, 'imap4', { startupType: 'Automatic', running: true }),
      leaves: [
        changed(
          'Service',
          'MAIL1\\imap4',
          { StartupType: 'Manual', Status: 'Stopped' },
          { StartupType: 'Automatic', Status: 'Running' },
        ),
      ],
    },
    setComponentRequest: {
      run: (as) =>
        as.setComponentRequest(world.here().server.id, {
          component: 'ImapProxy',
          requester: 'Maintenance',
          state: 'Inactive',
        }),
      leaves: [
        changed('ServerComponentState', 'MAIL1\\ImapProxy', { Maintenance: 'Active' }, { Maintenance: 'Inactive' }),
      ],
    },
    recordAudit: {
      run: (as) =>
        as.recordAudit({
          action: 'imported',
          objectKind: 'Mailbox',
          object: 'ann',
          before: null,
          after: { Messages: '17' },
        }),
      leaves: [{ action: 'imported', objectKind: 'Mailbox', object: 'ann', before: null, after: { Messages: '17' } }],
    },
    ...moveWrites(world),
  };
}
