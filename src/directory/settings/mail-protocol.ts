/**
 * Get-/Set-PopSettings and Get-/Set-ImapSettings: every setting of one server and protocol
 * (exchange-behaviour.md §1.2). Where 2013 and 2016 differ, 2013's default stands. Our greeting is our own name,
 * because clients switch quirks on Exchange's text (§6.3).
 */
import type { ImapSettings, MailProtocolSettings, MimeTextFormat, PopSettings } from '../model.ts';
import { type Setting, SettingsSchema } from './schema.ts';
import * as type from './value-types.ts';

interface ProtocolFacts {
  readonly title: 'POP3' | 'IMAP4';
  readonly plainPort: number;
  readonly tlsPort: number;
  readonly backEndPort: number;
  readonly commandBytes: { readonly min: number; readonly max: number; readonly initial: number };
}

const POP3: ProtocolFacts = {
  title: 'POP3',
  plainPort: 110,
  tlsPort: 995,
  backEndPort: 1995,
  commandBytes: { min: 40, max: 1024, initial: 512 },
};
const IMAP4: ProtocolFacts = {
  title: 'IMAP4',
  plainPort: 143,
  tlsPort: 993,
  backEndPort: 1993,
  commandBytes: { min: 1024, max: 16_384, initial: 10_240 },
};

const INT32_MAX = 2_147_483_647;
const ONE_DAY = 86_400;

export const MIME_TEXT_FORMATS = [
  'TextOnly',
  'HtmlOnly',
  'HtmlAndTextAlternative',
  'TextEnrichedOnly',
  'TextEnrichedAndTextAlternative',
  'BestBodyFormat',
  'Tnef',
] as const satisfies readonly MimeTextFormat[];

const everywhere = (port: number) => [
  { address: '::', port },
  { address: '0.0.0.0', port },
];

function commonSettings(protocol: ProtocolFacts): {
  readonly [K in keyof MailProtocolSettings]-?: Setting<MailProtocolSettings[K]>;
} {
  const { title, plainPort, tlsPort, backEndPort, commandBytes } = protocol;
  return {
    authenticatedConnectionTimeout: {
      name: 'AuthenticatedConnectionTimeout',
      type: type.duration({ min: 30, max: ONE_DAY }),
      scope: 'frontEnd',
      effect: 'new-sessions',
      help: 'How long a session that has logged on may stay silent before it is closed.',
      initial: () => 1800,
    },
    preAuthenticatedConnectionTimeout: {
      name: 'PreAuthenticatedConnectionTimeout',
      type: type.duration({ min: 30, max: 3600 }),
      scope: 'frontEnd',
      effect: 'new-sessions',
      help: 'How long a connection may stay silent before it has logged on.',
      initial: () => 60,
    },
    banner: {
      name: 'Banner',
      type: type.text({ min: 1, max: 200 }),
      scope: 'frontEnd',
      effect: 'new-sessions',
      help: 'Text of the greeting. Several mail programs change their behaviour when it names another product.',
      initial: () => `Penfold ${title} service is ready.`,
    },
    unencryptedOrTlsBindings: {
      name: 'UnencryptedOrTLSBindings',
      type: type.listOf(type.binding),
      scope: 'frontEnd',
      effect: 'listeners',
      help: `Addresses and ports that start in the clear and can be upgraded with ${title === 'POP3' ? 'STLS' : 'STARTTLS'}.`,
      initial: () => everywhere(plainPort),
    },
    sslBindings: {
      name: 'SSLBindings',
      type: type.listOf(type.binding),
      scope: 'frontEnd',
      effect: 'listeners',
      help: 'Addresses and ports with TLS from the first byte.',
      initial: () => everywhere(tlsPort),
    },
    proxyTargetPort: {
      name: 'ProxyTargetPort',
      type: type.integer({ min: 1, max: 65_535 }),
      scope: 'backEnd',
      effect: 'listeners',
      help: 'Port on which this back end takes sessions from front ends of other servers, and where they dial; closed while there is no other front end.',
      initial: () => backEndPort,
    },
    internalConnectionSettings: {
      name: 'InternalConnectionSettings',
      type: type.listOf(type.connectionSetting),
      scope: 'frontEnd',
      effect: 'live',
      help: 'What mail programs inside the network should be set to.',
      initial: ({ fqdn }) => [
        { host: fqdn, port: tlsPort, encryption: 'SSL' },
        { host: fqdn, port: plainPort, encryption: 'TLS' },
      ],
    },
    externalConnectionSettings: {
      name: 'ExternalConnectionSettings',
      type: type.listOf(type.connectionSetting),
      scope: 'frontEnd',
      effect: 'live',
      help: 'What mail programs on the Internet should be set to; shown to users on the settings page.',
      initial: () => [],
    },
    x509CertificateName: {
      name: 'X509CertificateName',
      type: type.hostName,
      scope: 'both',
      effect: 'new-sessions',
      help: 'Host name whose certificate is shown to clients that name no server of their own (SNI).',
      initial: ({ fqdn }) => fqdn,
    },
    loginType: {
      name: 'LoginType',
      type: type.enumeration(['PlainTextLogin', 'PlainTextAuthentication', 'SecureLogin'], 1),
      scope: 'both',
      effect: 'new-sessions',
      help: 'Which logons are taken without TLS: any, none that sends the password in the clear, or none at all.',
      initial: () => 'SecureLogin',
    },
    enableGssapiAndNtlmAuth: {
      name: 'EnableGSSAPIAndNTLMAuth',
      type: type.boolean,
      scope: 'frontEnd',
      effect: 'recorded',
      help: 'GSSAPI and NTLM are not offered; SCRAM-SHA-256 takes their place.',
      initial: () => true,
    },
    extendedProtectionPolicy: {
      name: 'ExtendedProtectionPolicy',
      type: type.enumeration(['None', 'Allow', 'Require']),
      scope: 'frontEnd',
      effect: 'recorded',
      help: 'Channel binding for integrated authentication. SCRAM-SHA-256-PLUS binds to the channel whatever stands here.',
      initial: () => 'None',
    },
    enforceCertificateErrors: {
      name: 'EnforceCertificateErrors',
      type: type.boolean,
      scope: 'both',
      effect: 'recorded',
      help: 'The certificate of a back end is always checked, against the organization’s own authority for servers; there is no way to pass over an error.',
      initial: () => false,
    },
    maxConnections: {
      name: 'MaxConnections',
      type: type.integer({ min: 1 }),
      scope: 'frontEnd',
      effect: 'live',
      help: 'Connections at one time, logged on or not.',
      initial: () => INT32_MAX,
    },
    maxConnectionFromSingleIp: {
      name: 'MaxConnectionFromSingleIP',
      type: type.integer({ min: 1 }),
      scope: 'frontEnd',
      effect: 'live',
      help: 'Connections at one time from one client address.',
      initial: () => INT32_MAX,
    },
    maxConnectionsPerUser: {
      name: 'MaxConnectionsPerUser',
      type: type.integer({ min: 1 }),
      scope: 'frontEnd',
      effect: 'live',
      help: 'Sessions at one time of one user.',
      initial: () => 16,
    },
    maxCommandSize: {
      name: 'MaxCommandSize',
      type: type.byteSize({ min: commandBytes.min, max: commandBytes.max }),
      scope: 'frontEnd',
      effect: 'new-sessions',
      help: 'Longest single command line.',
      initial: () => commandBytes.initial,
    },
    calendarItemRetrievalOption: {
      name: 'CalendarItemRetrievalOption',
      type: type.enumeration(['iCalendar', 'IntranetUrl', 'InternetUrl', 'Custom']),
      scope: 'backEnd',
      effect: 'new-sessions',
      help: 'How meeting requests are shown: as iCalendar, or with a link to the web pages.',
      initial: () => 'iCalendar',
    },
    owaServerUrl: {
      name: 'OwaServerUrl',
      type: type.webUrl,
      scope: 'backEnd',
      effect: 'new-sessions',
      help: 'Base of the links when CalendarItemRetrievalOption is Custom.',
      initial: () => '',
    },
    messageRetrievalMimeFormat: {
      name: 'MessageRetrievalMimeFormat',
      type: type.enumeration(MIME_TEXT_FORMATS),
      scope: 'backEnd',
      effect: 'new-sessions',
      help: 'How message bodies are rendered. BestBodyFormat serves the original bytes.',
      initial: () => 'BestBodyFormat',
    },
    enableExactRfc822Size: {
      name: 'EnableExactRFC822Size',
      type: type.boolean,
      scope: 'backEnd',
      effect: 'recorded',
      help: 'Sizes are always exact in Penfold.',
      initial: () => false,
    },
    suppressReadReceipt: {
      name: 'SuppressReadReceipt',
      type: type.boolean,
      scope: 'backEnd',
      effect: 'new-sessions',
      help: 'True: a read receipt is sent when a message is opened, not also when it is downloaded.',
      initial: () => false,
    },
    protocolLogEnabled: {
      name: 'ProtocolLogEnabled',
      type: type.boolean,
      scope: 'both',
      effect: 'live',
      help: 'Writes one line per command to the protocol log.',
      initial: () => false,
    },
    logFileLocation: {
      name: 'LogFileLocation',
      type: type.text({ min: 1, max: 1024 }),
      scope: 'both',
      effect: 'live',
      help: 'Folder of the protocol log, relative to the data directory unless absolute.',
      initial: () => `logs/${title.toLowerCase()}`,
    },
    logFileRollOverSettings: {
      name: 'LogFileRollOverSettings',
      type: type.enumeration(['Hourly', 'Daily', 'Weekly', 'Monthly'], 1),
      scope: 'both',
      effect: 'live',
      help: 'When a new protocol log file is begun; counts only while LogPerFileSizeQuota is 0.',
      initial: () => 'Daily',
    },
    logPerFileSizeQuota: {
      name: 'LogPerFileSizeQuota',
      type: type.byteSize({ min: 0, max: Number.MAX_SAFE_INTEGER, unlimited: true }),
      scope: 'both',
      effect: 'live',
      help: 'Size at which a new protocol log file is begun; 0: by time; unlimited: one file for ever.',
      initial: () => 0,
    },
    logMaxAge: {
      name: 'LogMaxAge',
      type: type.duration({ min: 0, max: 3650 * ONE_DAY }),
      scope: 'both',
      effect: 'live',
      help: 'How long a protocol log file is kept; 0: for ever. Not in Exchange.',
      initial: () => 30 * ONE_DAY,
    },
    logMaxDirectorySize: {
      name: 'LogMaxDirectorySize',
      type: type.byteSize({ min: 1_048_576, max: Number.MAX_SAFE_INTEGER, unlimited: true }),
      scope: 'both',
      effect: 'live',
      help: 'Size of all protocol log files of the folder; the oldest go first. Not in Exchange.',
      initial: () => 1024 ** 3,
    },
    logFormat: {
      name: 'LogFormat',
      type: type.enumeration(['Csv', 'Json']),
      scope: 'both',
      effect: 'live',
      help: "Csv: Exchange's fields in Exchange's order. Json: the same, one object a line. Not in Exchange.",
      initial: () => 'Csv',
    },
  };
}

/** Names that Exchange's own documentation uses by mistake (§12). */
const ALIASES = {
  MaxConnectionsFromSingleIP: 'MaxConnectionFromSingleIP',
  ProtocolLoggingEnabled: 'ProtocolLogEnabled',
  ExternalConnectionSetting: 'ExternalConnectionSettings',
  InternalConnectionSetting: 'InternalConnectionSettings',
};

export const popSettingsSchema = new SettingsSchema<PopSettings>(
  'PopSettings',
  {
    ...commonSettings(POP3),
    messageRetrievalSortOrder: {
      name: 'MessageRetrievalSortOrder',
      type: type.enumeration(['Ascending', 'Descending']),
      scope: 'backEnd',
      effect: 'new-sessions',
      help: 'Ascending: message 1 is the oldest. UIDLs do not change.',
      initial: () => 'Ascending',
    },
    loginDelay: {
      name: 'LoginDelay',
      type: type.duration({ min: 0, max: 3600 }),
      scope: 'frontEnd',
      effect: 'live',
      help: 'Time between two logons to one mailbox; clients are told by CAPA and by [LOGIN-DELAY]. 0: none.',
      initial: () => 0,
    },
  },
  ALIASES,
);

export const imapSettingsSchema = new SettingsSchema<ImapSettings>(
  'ImapSettings',
  {
    ...commonSettings(IMAP4),
    showHiddenFoldersEnabled: {
      name: 'ShowHiddenFoldersEnabled',
      type: type.boolean,
      scope: 'backEnd',
      effect: 'new-sessions',
      help: 'True: folders with the hidden attribute are listed.',
      initial: () => false,
    },
  },
  ALIASES,
);
