import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../../observe/failure.ts';
import { clientAccessServerSchema } from './client-access-server.ts';
import { clientAccessSchema } from './client-access.ts';
import { databaseSchema } from './database.ts';
import { imapSettingsSchema, popSettingsSchema } from './mail-protocol.ts';
import { mailboxSchema } from './mailbox.ts';
import { receiveConnectorSchema } from './receive-connector.ts';
import {
  checkConnector,
  checkMailProtocolSettings,
  checkQuotas,
  checkThrottling,
  mailboxWarnings,
  mailProtocolWarnings,
} from './rules.ts';
import { GLOBAL_THROTTLING_LIMITS, throttlingLimitsSchema } from './throttling.ts';
import { transportConfigSchema } from './transport-config.ts';
import { byteSize } from './value-types.ts';

const context = { fqdn: 'mail1.example.org' };
const schemas = [
  popSettingsSchema,
  imapSettingsSchema,
  clientAccessSchema,
  clientAccessServerSchema,
  receiveConnectorSchema,
  transportConfigSchema,
  databaseSchema,
  mailboxSchema,
  throttlingLimitsSchema,
] as const;
const cannot = (text: RegExp) => (error: unknown) =>
  error instanceof Failure && error.code === 'CANNOT' && text.test(error.message);

test('every row is complete: name, help, and a default that its own type takes, stores, shows and reads', () => {
  for (const schema of schemas) {
    const names = new Set<string>();
    for (const row of schema.rows) {
      assert.ok(!names.has(row.name.toLowerCase()), row.name);
      names.add(row.name.toLowerCase());
      assert.match(row.help, /^[A-Z].*[.;]$/, row.name);
      const initial = row.initial(context);
      const stored: unknown = JSON.parse(JSON.stringify(row.type.store(initial)));
      assert.deepEqual(row.type.read(stored), initial, row.name);
      assert.deepEqual(row.type.parse(row.type.format(initial)), initial, `${row.name}: ${row.type.format(initial)}`);
    }
  }
});

test('the defaults of the reference', () => {
  const pop = Object.fromEntries(popSettingsSchema.format(popSettingsSchema.defaults(context)));
  assert.deepEqual(
    ['AuthenticatedConnectionTimeout', 'MaxConnectionsPerUser', 'SSLBindings', 'LogPerFileSizeQuota', 'LoginType'].map(
      (name) => pop[name],
    ),
    ['00:30:00', '16', '[::]:995, 0.0.0.0:995', '0 B (0 bytes)', 'SecureLogin'],
  );
  const connector = Object.fromEntries(receiveConnectorSchema.format(receiveConnectorSchema.defaults(context)));
  assert.deepEqual(
    ['MaxMessageSize', 'ConnectionTimeout', 'MessageRateLimit', 'MaxHeaderSize', 'PermissionGroups'].map(
      (name) => connector[name],
    ),
    ['36 MB (37,748,736 bytes)', '00:10:00', 'Unlimited', '256 KB (262,144 bytes)', 'None'],
  );
  assert.deepEqual(Object.fromEntries(databaseSchema.format(databaseSchema.defaults(context))), {
    IssueWarningQuota: '1.899 GB (2,039,480,320 bytes)',
    ProhibitSendQuota: '2 GB (2,147,483,648 bytes)',
    ProhibitSendReceiveQuota: '2.3 GB (2,469,396,480 bytes)',
    RecoverableItemsQuota: '30 GB (32,212,254,720 bytes)',
    RecoverableItemsWarningQuota: '20 GB (21,474,836,480 bytes)',
    MountAtStartup: 'True',
    DeletedItemRetention: '14.00:00:00',
    MailboxRetention: '30.00:00:00',
  });
  assert.deepEqual(Object.fromEntries(throttlingLimitsSchema.format(GLOBAL_THROTTLING_LIMITS)), {
    PopMaxConcurrency: '20',
    PopMaxBurst: '3600000',
    PopRechargeRate: '600000',
    PopCutoffBalance: 'Unlimited',
    ImapMaxConcurrency: 'Unlimited',
    ImapMaxBurst: '3600000',
    ImapRechargeRate: '600000',
    ImapCutoffBalance: 'Unlimited',
    OwaMaxConcurrency: '20',
    OwaMaxBurst: '480000',
    OwaRechargeRate: '1800000',
    OwaCutoffBalance: 'Unlimited',
    MessageRateLimit: 'Unlimited',
    RecipientRateLimit: 'Unlimited',
  });
});

const bySchema = {
  pop: popSettingsSchema,
  imap: imapSettingsSchema,
  server: clientAccessServerSchema,
  connector: receiveConnectorSchema,
  transport: transportConfigSchema,
  database: databaseSchema,
  mailbox: mailboxSchema,
  throttling: throttlingLimitsSchema,
} as const;

/* Both ends of every range, just inside and just outside. */
const ranges: ReadonlyArray<readonly [schema: keyof typeof bySchema, name: string, ok: string[], bad: string[]]> = [
  ['pop', 'MaxCommandSize', ['40', '1024', '1KB'], ['39', '1025', '-1', 'x', '']],
  ['imap', 'MaxCommandSize', ['1024', '16384'], ['1023', '16385']],
  [
    'imap',
    'AuthenticatedConnectionTimeout',
    ['00:00:30', '1.00:00:00', '86400'],
    ['00:00:29', '1.00:00:01', '1:60:00'],
  ],
  [
    'server',
    'ProxyProtocolIPRanges',
    ['', '192.0.2.10', '192.0.2.0/24,2001:db8::1-2001:db8::9'],
    ['balancer', '192.0.2.0/33', '192.0.2.9-192.0.2.1', '192.0.2.1-2001:db8::1'],
  ],
  ['imap', 'PreAuthenticatedConnectionTimeout', ['00:00:30', '01:00:00'], ['29', '3601']],
  ['pop', 'MaxConnections', ['1', '2147483647'], ['0', '2147483648']],
  ['pop', 'MaxConnectionFromSingleIP', ['1'], ['0']],
  ['pop', 'MaxConnectionsPerUser', ['1'], ['0', 'unlimited']],
  ['pop', 'ProxyTargetPort', ['1', '65535'], ['0', '65536']],
  ['pop', 'LoginType', ['1', 'securelogin', 'PlainTextLogin'], ['0', '4', 'None']],
  ['imap', 'MessageRetrievalMimeFormat', ['0', '6', 'tnef'], ['7', '-1']],
  [
    'imap',
    'SSLBindings',
    ['[::]:993,0.0.0.0:993', '127.0.0.1:0', '$null', ''],
    ['host:993', '1.2.3.4', '1.2.3.4:65536'],
  ],
  [
    'imap',
    'ExternalConnectionSettings',
    ['{mail.a.org:993:SSL}', 'mail.a.org:143:tls,mail.a.org:143'],
    ['a', 'a:0', 'a:1:x'],
  ],
  ['imap', 'X509CertificateName', ['mail.example.org'], ['', 'a b', '*.example.org']],
  ['pop', 'LogPerFileSizeQuota', ['0', 'unlimited', '10 MB'], ['-1', '10 XB']],
  ['pop', 'OwaServerUrl', ['', 'https://host'], ['host', 'ftp://host']],
  ['pop', 'Banner', ['Hello'], ['', 'a\r\nb', 'x'.repeat(201)]],
  ['pop', 'ProtocolLogEnabled', ['$true', 'FALSE', '0'], ['maybe']],
  ['connector', 'MaxMessageSize', ['65536', '36MB'], ['65535', '2147483648', 'unlimited']],
  ['connector', 'MaxRecipientsPerMessage', ['1', '512000'], ['0', '512001']],
  ['connector', 'MessageRateLimit', ['1', 'Unlimited'], ['0']],
  ['connector', 'MaxInboundConnectionPerSource', ['10000', 'unlimited'], ['10001']],
  ['connector', 'MaxInboundConnectionPercentagePerSource', ['1', '100'], ['0', '101']],
  ['connector', 'MaxLogonFailures', ['0', '10'], ['11']],
  ['connector', 'MaxHopCount', ['1', '500'], ['0', '501']],
  ['connector', 'MaxLocalHopCount', ['0', '50'], ['51']],
  ['connector', 'Banner', ['220', '220 hello'], ['221 hello', '2200']],
  [
    'connector',
    'RemoteIPRanges',
    ['10.0.0.1', '10.0.0.1-10.0.0.9', 'fe80::/10'],
    ['10.0.0.9-10.0.0.1', '1.2.3.4/33', 'x'],
  ],
  ['connector', 'AuthMechanism', ['None', 'tls, BasicAuth'], ['Kerberos']],
  ['connector', 'Name', ['x'.repeat(64)], ['', 'x'.repeat(65)]],
  ['transport', 'MaxSendSize', ['0', '2147483647', 'Unlimited', '36MB'], ['2GB', '-1', 'x']],
  ['transport', 'MaxReceiveSize', ['0', 'unlimited'], ['2147483648']],
  ['transport', 'MaxRecipientEnvelopeLimit', ['1', '2147483647', 'unlimited'], ['0', '2147483648']],
  ['transport', 'ExternalPostmasterAddress', ['', 'postmaster@example.org'], ['postmaster', 'a b@example.org', 'a@']],
  ['database', 'IssueWarningQuota', ['0', '2047GB', 'Unlimited', '1.899 GB (2,039,480,320 bytes)'], ['2048GB', '-1']],
  ['database', 'MountAtStartup', ['$false', '1'], ['2']],
  ['database', 'DeletedItemRetention', ['0', '14.00:00:00', '24855.03:14:07'], ['24855.03:14:08', '-1', 'unlimited']],
  ['database', 'MailboxRetention', ['30.00:00:00'], ['30.24:00:00']],
  ['mailbox', 'ProhibitSendQuota', ['0', '2047GB', 'unlimited'], ['2048GB', '1XB']],
  ['mailbox', 'RecipientLimits', ['1', 'unlimited'], ['0']],
  ['mailbox', 'MaxSendSize', ['0', '2147483647', 'unlimited'], ['2147483648']],
  ['mailbox', 'ThrottlingPolicy', ['', 'x'.repeat(64)], ['x'.repeat(65)]],
  ['mailbox', 'Language', ['de', 'pt-BR', 'zh-Hant-TW'], ['', 'x', 'de_DE!', 'x'.repeat(36)]],
  ['throttling', 'PopMaxConcurrency', ['0', '2147483647', 'unlimited'], ['-1', '2147483648']],
  ['throttling', 'ImapCutoffBalance', ['0', 'Unlimited'], ['-1', '1.5']],
  ['throttling', 'MessageRateLimit', ['0', 'unlimited'], ['-1']],
];

test('ranges: both ends are in, what lies beyond is refused by name', () => {
  for (const [which, name, good, bad] of ranges) {
    const schema = bySchema[which];
    for (const typed of good) assert.doesNotThrow(() => schema.parse(name, typed), `${name} ${typed}`);
    for (const typed of bad)
      assert.throws(() => schema.parse(name, typed), cannot(new RegExp(`^${name} must be `)), `${name} ${typed}`);
  }
  assert.throws(() => popSettingsSchema.parse('maxcommandsize', '9'), cannot(/^MaxCommandSize must be 40–1024 bytes$/));
});

test('unknown names suggest the nearest, documented misnomers are taken', () => {
  assert.throws(() => popSettingsSchema.row('MaxComandSize'), cannot(/did you mean MaxCommandSize\?/));
  assert.equal(popSettingsSchema.row('MaxConnectionsFromSingleIP').key, 'maxConnectionFromSingleIp');
  assert.equal(imapSettingsSchema.row('externalconnectionsetting').key, 'externalConnectionSettings');
  assert.throws(() => popSettingsSchema.row('ShowHiddenFoldersEnabled'), cannot(/no setting/));
  assert.throws(
    () => popSettingsSchema.check(JSON.parse('{"maxConnection": 1}')),
    cannot(/did you mean maxConnections\?/),
  );
});

test('a stored value that is no longer acceptable gives way to the default and is reported', () => {
  const heard: string[] = [];
  const loaded = popSettingsSchema.load({ maxCommandSize: 9, banner: 'Kept.' }, context, (name) => heard.push(name));
  assert.deepEqual([loaded.maxCommandSize, loaded.banner, heard], [512, 'Kept.', ['MaxCommandSize']]);
});

test('rules between settings', () => {
  const pop = popSettingsSchema.defaults(context);
  assert.deepEqual(mailProtocolWarnings(pop), []);
  const mapped = { ...pop, externalConnectionSettings: [{ host: 'a.org', port: 1, encryption: 'SSL' as const }] };
  assert.match(mailProtocolWarnings(mapped).join('\n'), /a\.org:1:SSL is advertised, but no entry of SSLBindings/);
  assert.match(mailProtocolWarnings({ ...pop, x509CertificateName: 'b.org' }).join('\n'), /X509CertificateName b\.org/);
  assert.throws(
    () => checkMailProtocolSettings({ ...pop, calendarItemRetrievalOption: 'Custom' }),
    cannot(/OwaServerUrl/),
  );
  assert.throws(
    () => checkMailProtocolSettings({ ...pop, sslBindings: pop.unencryptedOrTlsBindings }),
    cannot(/SSLBindings and in/),
  );
  const base = { ...receiveConnectorSchema.defaults(context), bindings: [{ address: '0.0.0.0', port: 25 }] };
  assert.doesNotThrow(() => checkConnector(base));
  const broken: ReadonlyArray<readonly [Partial<typeof base>, RegExp]> = [
    [{ authMechanism: ['BasicAuthRequireTLS', 'Tls'] }, /needs BasicAuth/],
    [{ authMechanism: ['ExternalAuthoritative', 'BasicAuth'] }, /combines only with Tls/],
    [{ authMechanism: ['ExternalAuthoritative', 'Tls'] }, /needs PermissionGroups ExchangeServers/],
    [{ authMechanism: [], requireTls: true }, /RequireTLS needs/],
    [{ connectionTimeout: 300 }, /longer than ConnectionInactivityTimeout/],
    [{ chunkingEnabled: false }, /needs ChunkingEnabled/],
    [{ bindings: [] }, /Bindings must name/],
    [{ remoteIpRanges: [] }, /RemoteIPRanges must name/],
    [{ implicitTlsBindings: base.bindings }, /stands in ImplicitTlsBindings/],
  ];
  for (const [patch, text] of broken) assert.throws(() => checkConnector({ ...base, ...patch }), cannot(text));
});

test('a size as it is shown is read back exactly', () => {
  const size = byteSize({ min: 0, max: 2 ** 50, unlimited: true });
  for (const bytes of [0, 1, 1023, 1024, 1025, 2_039_480_320, 2_469_396_480, 2 ** 40 + 1, Infinity])
    assert.equal(size.parse(size.format(bytes)), bytes, size.format(bytes));
});

test('quotas keep their order; Unlimited is the largest, and a warning that is Unlimited never comes', () => {
  const base = databaseSchema.defaults(context);
  const none = { issueWarningQuota: Infinity, prohibitSendQuota: Infinity, prohibitSendReceiveQuota: Infinity };
  for (const good of [{}, none, { ...none, issueWarningQuota: 1 }, { ...none, prohibitSendQuota: 1 }])
    assert.doesNotThrow(() => checkQuotas({ ...base, ...good }));
  assert.doesNotThrow(() => checkQuotas({ ...base, prohibitSendReceiveQuota: base.prohibitSendQuota }));
  const bad: ReadonlyArray<readonly [Partial<typeof base>, RegExp]> = [
    [{ issueWarningQuota: base.prohibitSendQuota }, /^IssueWarningQuota .* must be less than ProhibitSendQuota/],
    [{ prohibitSendQuota: base.prohibitSendReceiveQuota + 1 }, /^ProhibitSendQuota .* must be at most/],
    [{ prohibitSendReceiveQuota: 0 }, /must be at most ProhibitSendReceiveQuota \(0 B/],
    [{ recoverableItemsWarningQuota: base.recoverableItemsQuota }, /^RecoverableItemsWarningQuota .* less than/],
  ];
  for (const [patch, text] of bad) assert.throws(() => checkQuotas({ ...base, ...patch }), cannot(text));
});

test('a mailbox that follows its database is told that its own values do not count', () => {
  const mailbox = mailboxSchema.defaults(context);
  const patch = { prohibitSendQuota: 1, retainDeletedItemsFor: 1 };
  assert.deepEqual(
    mailboxWarnings(patch, { ...mailbox, ...patch }).map((text) => text.split(' while ')[1]),
    ['UseDatabaseQuotaDefaults is true', 'UseDatabaseRetentionDefaults is true'],
  );
  const own = { ...mailbox, useDatabaseQuotaDefaults: false, useDatabaseRetentionDefaults: false };
  assert.deepEqual(mailboxWarnings(patch, { ...own, ...patch }), []);
  assert.deepEqual(mailboxWarnings({ language: 'de' }, mailbox), []);
});

test('nobody is cut off before he is slowed down', () => {
  assert.doesNotThrow(() => checkThrottling(GLOBAL_THROTTLING_LIMITS));
  assert.doesNotThrow(() => checkThrottling({ ...GLOBAL_THROTTLING_LIMITS, owaCutoffBalance: 480_000 }));
  assert.throws(
    () => checkThrottling({ ...GLOBAL_THROTTLING_LIMITS, owaCutoffBalance: 479_999 }),
    cannot(/^OwaCutoffBalance \(479999 ms\) must not be below OwaMaxBurst \(480000 ms\)$/),
  );
  assert.throws(
    () => checkThrottling({ ...GLOBAL_THROTTLING_LIMITS, popMaxBurst: Infinity, popCutoffBalance: 5 }),
    cannot(/PopMaxBurst \(Unlimited\)/),
  );
});
