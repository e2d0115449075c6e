/**
 * The rows of exchange-behaviour.md §1.2, §2 and §3.4, copied by hand: name, default, both ends of the range, what
 * lies outside. Not made from our own schema, so that a wrong default or range there is found.
 */

export interface ReferenceRow {
  readonly name: string;
  /** As Get shows it; `*` where ours differs on purpose (docs/exchange-parity.md says why), with our value. */
  readonly initial: string;
  /** Typed value and how Get shows it afterwards; both ends of a range, every name of an enumeration. */
  readonly good: ReadonlyArray<readonly [typed: string, shown: string]>;
  readonly bad: readonly string[];
  /** Words of the refusal: the range, or the choices. */
  readonly named?: RegExp;
  /** What has to be set first. */
  readonly before?: Readonly<Record<string, string>>;
}

type Pairs = ReferenceRow['good'];

const flag = (name: string, initial: 'True' | 'False', before?: ReferenceRow['before']): ReferenceRow => ({
  name,
  initial,
  good: [
    ['$true', 'True'],
    ['$false', 'False'],
    ['1', 'True'],
  ],
  bad: ['maybe', '2'],
  named: /true or false/,
  ...(before === undefined ? {} : { before }),
});

const same = (...values: readonly string[]): Pairs => values.map((value) => [value, value] as const);
const numbers = (name: string, initial: string, from: number, to: number, extra: Pairs = []): ReferenceRow => ({
  name,
  initial,
  good: [...same(String(from), String(to)), ...extra],
  bad: [String(from - 1), String(to + 1), 'x', '1.5'],
  named: new RegExp(`${from}–${to}`),
});
const choices = (name: string, initial: string, first: number, names: readonly string[]): ReferenceRow => ({
  name,
  initial,
  good: names.flatMap((one, at) => [
    [one, one] as const,
    [String(at + first), one] as const,
    [one.toUpperCase(), one] as const,
  ]),
  bad: [String(first - 1), String(first + names.length), 'Nonsense'],
  named: new RegExp(names.map((one) => `${one} \\(`).join('.*')),
});

const UNLIMITED: Pairs = [['unlimited', 'Unlimited']];
const INT32 = 2_147_483_647;
const MIME = [
  'TextOnly',
  'HtmlOnly',
  'HtmlAndTextAlternative',
  'TextEnrichedOnly',
  'TextEnrichedAndTextAlternative',
  'BestBodyFormat',
  'Tnef',
];

interface Protocol {
  readonly clear: number;
  readonly ssl: number;
  readonly backEnd: number;
  readonly title: string;
  readonly folder: string;
}

/** §1.2, rows that POP and IMAP have alike. The server of the test is mail1.example.test. */
function common({ clear, ssl, backEnd, title, folder }: Protocol): readonly ReferenceRow[] {
  return [
    {
      name: 'AuthenticatedConnectionTimeout',
      initial: '00:30:00',
      // One day: §12 on the documented "1:00:00".
      good: [...same('00:00:30', '1.00:00:00'), ['86400', '1.00:00:00'], ['30', '00:00:30']],
      bad: ['00:00:29', '1.00:00:01', '29', 'soon'],
      named: /00:00:30–1\.00:00:00/,
    },
    {
      name: 'PreAuthenticatedConnectionTimeout',
      initial: '00:01:00',
      good: same('00:00:30', '01:00:00'),
      bad: ['00:00:29', '01:00:01'],
      named: /00:00:30–01:00:00/,
    },
    { name: 'Banner', initial: `Penfold ${title} service is ready.`, good: same('Hello.'), bad: ['', 'a\nb'] },
    {
      name: 'UnencryptedOrTLSBindings',
      initial: `[::]:${clear}, 0.0.0.0:${clear}`,
      good: [
        ['127.0.0.1:20110,[::1]:20110', '127.0.0.1:20110, [::1]:20110'],
        ['$null', ''],
      ],
      bad: ['mail:110', '127.0.0.1', '127.0.0.1:65536'],
      named: /address and port such as/,
    },
    {
      name: 'SSLBindings',
      initial: `[::]:${ssl}, 0.0.0.0:${ssl}`,
      good: [
        ['127.0.0.1:20995', '127.0.0.1:20995'],
        ['$null', ''],
      ],
      bad: ['mail:995', '1.2.3.4:x'],
      named: /address and port such as/,
    },
    numbers('ProxyTargetPort', String(backEnd), 1, 65_535),
    {
      name: 'InternalConnectionSettings',
      initial: `mail1.example.test:${ssl}:SSL, mail1.example.test:${clear}:TLS`,
      good: same('in.example.test:1:SSL'),
      bad: ['in.example.test', 'in.example.test:0', 'a:1:XYZ'],
      named: /host:port:SSL/,
    },
    {
      name: 'ExternalConnectionSettings',
      initial: '',
      good: [
        ['{Dublin01.Contoso.com:995:SSL}', 'Dublin01.Contoso.com:995:SSL'],
        ['a.test:1:ssl,a.test:2:tls,a.test:3', 'a.test:1:SSL, a.test:2:TLS, a.test:3'],
        ['$null', ''],
      ],
      bad: ['a.test', 'a.test:65536:SSL'],
      named: /host:port:SSL/,
    },
    {
      name: 'X509CertificateName',
      initial: 'mail1.example.test',
      good: same('mail.example.test'),
      bad: ['', 'two words', '0.0.0.0:995:SSL'],
      named: /host name/,
    },
    choices('LoginType', 'SecureLogin', 1, ['PlainTextLogin', 'PlainTextAuthentication', 'SecureLogin']),
    flag('EnableGSSAPIAndNTLMAuth', 'True'),
    choices('ExtendedProtectionPolicy', 'None', 0, ['None', 'Allow', 'Require']),
    flag('EnforceCertificateErrors', 'False'),
    numbers('MaxConnections', String(INT32), 1, INT32),
    numbers('MaxConnectionFromSingleIP', String(INT32), 1, INT32),
    numbers('MaxConnectionsPerUser', '16', 1, INT32),
    {
      ...choices('CalendarItemRetrievalOption', 'iCalendar', 0, ['iCalendar', 'IntranetUrl', 'InternetUrl', 'Custom']),
      before: { OwaServerUrl: 'https://mail.example.test' },
    },
    {
      name: 'OwaServerUrl',
      initial: '',
      good: [
        ['https://mail.example.test', 'https://mail.example.test'],
        ['$null', ''],
      ],
      bad: ['mail.example.test', 'ftp://mail.example.test'],
      named: /URL/,
    },
    choices('MessageRetrievalMimeFormat', 'BestBodyFormat', 0, MIME),
    flag('EnableExactRFC822Size', 'False'),
    flag('SuppressReadReceipt', 'False'),
    flag('ProtocolLogEnabled', 'False'),
    { name: 'LogFileLocation', initial: `logs/${folder}`, good: same('/var/log/x'), bad: [''], named: /characters/ },
    choices('LogFileRollOverSettings', 'Daily', 1, ['Hourly', 'Daily', 'Weekly', 'Monthly']),
    {
      name: 'LogPerFileSizeQuota',
      initial: '0 B (0 bytes)',
      good: [
        ['0', '0 B (0 bytes)'],
        ['10MB', '10 MB (10,485,760 bytes)'],
        ['1 TB', '1 TB (1,099,511,627,776 bytes)'],
        ['unlimited', 'Unlimited'],
      ],
      bad: ['-1', '10 XB'],
      named: /bytes or unlimited/,
    },
  ];
}

const commandSize = (from: number, to: number, initial: string): ReferenceRow => ({
  name: 'MaxCommandSize',
  initial,
  good: [
    [String(from), from === 40 ? '40 B (40 bytes)' : '1 KB (1,024 bytes)'],
    [String(to), to === 1024 ? '1 KB (1,024 bytes)' : '16 KB (16,384 bytes)'],
  ],
  bad: [String(from - 1), String(to + 1)],
  named: new RegExp(`${from}–${to} bytes`),
});

export const POP_ROWS: readonly ReferenceRow[] = [
  ...common({ clear: 110, ssl: 995, backEnd: 1995, title: 'POP3', folder: 'pop3' }),
  commandSize(40, 1024, '512 B (512 bytes)'),
  choices('MessageRetrievalSortOrder', 'Ascending', 0, ['Ascending', 'Descending']),
];

export const IMAP_ROWS: readonly ReferenceRow[] = [
  ...common({ clear: 143, ssl: 993, backEnd: 1993, title: 'IMAP4', folder: 'imap4' }),
  commandSize(1024, 16_384, '10 KB (10,240 bytes)'),
  flag('ShowHiddenFoldersEnabled', 'False'),
];

const ownValues = (prefix: 'Pop' | 'Imap'): Readonly<Record<string, string>> => ({
  [`${prefix}UseProtocolDefaults`]: '$false',
});

/** §2. The rows of protocols that Penfold does not have are in the parity document. */
export const CAS_ROWS: readonly ReferenceRow[] = (['Pop', 'Imap'] as const)
  .flatMap((prefix) => [
    flag(`${prefix}Enabled`, 'True'),
    flag(`${prefix}UseProtocolDefaults`, 'True'),
    {
      ...choices(`${prefix}MessagesRetrievalMimeFormat`, 'BestBodyFormat', 0, MIME),
      before: ownValues(prefix),
    },
    flag(`${prefix}EnableExactRFC822Size`, 'False', ownValues(prefix)),
    flag(`${prefix}ForceICalForCalendarRetrievalOption`, 'False', ownValues(prefix)),
    flag(`${prefix}SuppressReadReceipt`, 'False', ownValues(prefix)),
  ])
  .concat([flag('OWAEnabled', 'True'), flag('SmtpClientAuthenticationDisabled', 'False')]);

const span = (name: string, initial: string, good: Pairs, bad: readonly string[], named: RegExp): ReferenceRow => ({
  name,
  initial,
  good,
  bad,
  named,
});

/** §3.4, defaults as New-ReceiveConnector gives them for -Usage Custom (§3.3). */
export const CONNECTOR_ROWS: readonly ReferenceRow[] = [
  flag('Enabled', 'True'),
  {
    name: 'Bindings',
    initial: '127.0.0.1:20025',
    good: [['127.0.0.1:20026,[::1]:20026', '127.0.0.1:20026, [::1]:20026']],
    bad: ['127.0.0.1', 'host:25', '127.0.0.1:99999'],
    named: /address and port such as/,
  },
  {
    name: 'RemoteIPRanges',
    initial: '192.0.2.0/24',
    good: same('192.0.2.1', '192.0.2.1-192.0.2.9', '192.0.2.0/25', '2001:db8::/32'),
    bad: ['192.0.2.9-192.0.2.1', '192.0.2.0/33', 'everybody'],
    named: /range a-b, or CIDR/,
  },
  {
    name: 'Fqdn',
    initial: 'mail1.example.test',
    good: same('Dublin01.Contoso.com'),
    bad: ['', 'a b'],
    named: /host name/,
  },
  {
    name: 'Banner',
    initial: '220 mail1.example.test Penfold ESMTP service is ready',
    good: same('220 hello', '220'),
    bad: ['hello', '221 hello', '2200'],
    named: /begins with 220/,
  },
  {
    name: 'AuthMechanism',
    initial: 'Tls',
    good: [
      ['None', 'None'],
      ['Tls', 'Tls'],
      ['Tls,Integrated', 'Tls, Integrated'],
      ['Tls,BasicAuth,BasicAuthRequireTLS,ExchangeServer', 'Tls, BasicAuth, BasicAuthRequireTLS, ExchangeServer'],
    ],
    bad: ['Kerberos'],
    named: /BasicAuthRequireTLS/,
  },
  {
    name: 'PermissionGroups',
    initial: 'None',
    good: [
      ['None', 'None'],
      [
        'AnonymousUsers,ExchangeUsers,ExchangeServers,ExchangeLegacyServers,Partners',
        'AnonymousUsers, ExchangeUsers, ExchangeServers, ExchangeLegacyServers, Partners',
      ],
    ],
    bad: ['Everybody'],
    named: /AnonymousUsers/,
  },
  flag('RequireTLS', 'False'),
  flag('AdvertiseClientSettings', 'False'),
  {
    name: 'MaxMessageSize',
    initial: '36 MB (37,748,736 bytes)',
    good: [
      ['65536', '64 KB (65,536 bytes)'],
      ['2147483647', '2 GB (2,147,483,647 bytes)'],
      ['36MB', '36 MB (37,748,736 bytes)'],
    ],
    bad: ['65535', '2147483648'],
    named: /65536–2147483647 bytes/,
  },
  numbers('MaxRecipientsPerMessage', '200', 1, 512_000),
  numbers('MessageRateLimit', 'Unlimited', 1, INT32, UNLIMITED),
  choices('MessageRateSource', 'IPAddress', 0, ['None', 'IPAddress', 'User', 'All']),
  span(
    'ConnectionTimeout',
    '00:10:00',
    [
      ['00:05:01', '00:05:01'],
      ['1.00:00:00', '1.00:00:00'],
    ],
    ['00:00:00', '1.00:00:01'],
    /00:00:01–1\.00:00:00/,
  ),
  span(
    'ConnectionInactivityTimeout',
    '00:05:00',
    same('00:00:01', '00:09:59'),
    ['00:00:00', '1.00:00:01'],
    /00:00:01–1\.00:00:00/,
  ),
  numbers('MaxInboundConnection', '5000', 1, INT32, UNLIMITED),
  numbers('MaxInboundConnectionPerSource', '20', 1, 10_000, UNLIMITED),
  numbers('MaxInboundConnectionPercentagePerSource', '2', 1, 100),
  numbers('MaxProtocolErrors', '5', 0, INT32, UNLIMITED),
  numbers('MaxLogonFailures', '3', 0, 10),
  span('TarpitInterval', '00:00:05', same('00:00:00', '00:10:00'), ['00:10:01'], /00:00:00–00:10:00/),
  span('AuthTarpitInterval', '00:00:05', same('00:00:00', '00:10:00'), ['00:10:01'], /00:00:00–00:10:00/),
  numbers('MaxHopCount', '30', 1, 500),
  numbers('MaxLocalHopCount', '8', 0, 50),
  {
    name: 'MaxHeaderSize',
    initial: '256 KB (262,144 bytes)',
    good: [
      ['1', '1 B (1 bytes)'],
      ['2147483647', '2 GB (2,147,483,647 bytes)'],
    ],
    bad: ['0', '2147483648'],
    named: /1–2147483647 bytes/,
  },
  choices('ProtocolLoggingLevel', 'None', 0, ['None', 'Verbose']),
  choices('SizeEnabled', 'Enabled', 0, ['Enabled', 'Disabled', 'EnabledWithoutValue']),
  flag('BinaryMimeEnabled', 'True'),
  { ...flag('ChunkingEnabled', 'True'), before: { BinaryMimeEnabled: '$false' } },
  flag('DeliveryStatusNotificationEnabled', 'True'),
  flag('EightBitMimeEnabled', 'True'),
  flag('EnhancedStatusCodesEnabled', 'True'),
  flag('PipeliningEnabled', 'True'),
  flag('BareLinefeedRejectionEnabled', 'False'),
  flag('RequireEHLODomain', 'False'),
  flag('RejectSingleLabelRecipientDomains', 'False'),
  flag('RejectReservedSecondLevelRecipientDomains', 'False'),
  flag('RejectReservedTopLevelRecipientDomains', 'False'),
  {
    name: 'TlsCertificateName',
    initial: '',
    good: [
      ['<I>CN=Issuer<S>CN=mail', '<I>CN=Issuer<S>CN=mail'],
      ['$null', ''],
    ],
    bad: ['mail.example.test'],
    named: /<I>issuer<S>subject/,
  },
  { name: 'Comment', initial: '', good: same('For printers'), bad: ['x'.repeat(1001)], named: /characters/ },
];

/** Rows of the same tables that Penfold leaves out; the parity document names each and says why. */
export const LEFT_OUT: readonly string[] = [
  'MAPIEnabled',
  'ECPEnabled',
  'EwsEnabled',
  'ActiveSyncEnabled',
  'OrarEnabled',
  'LongAddressesEnabled',
  'DomainSecureEnabled',
  'SuppressXAnonymousTls',
  'EnableAuthGSSAPI',
  'DefaultDomain',
  'ServiceDiscoveryFqdn',
  'TlsDomainCapabilities',
];

/** Ours, not Exchange's. */
export const OUR_OWN: readonly string[] = [
  'ImplicitTlsBindings',
  'PopKeepMessagesOnServer',
  'LoginDelay',
  'LogMaxAge',
  'LogMaxDirectorySize',
  'LogFormat',
];
