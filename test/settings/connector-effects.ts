/**
 * exchange-behaviour.md §3.4: what each parameter of Set-ReceiveConnector does to an SMTP client. The connectors are
 * those of setup, for mail from outside and for submission, and `Narrow`, which shares a port with the first.
 */
import { Buffer } from 'node:buffer';
import { only, shownText } from '../management/in-memory-organization.ts';
import { type Effect, type EffectTable, type Given } from './effects.ts';
import { OTHER_NAME, say, type SettingsStage, SMTP_REPLY } from './stage.ts';
import type { Talk } from './talk.ts';

const INBOUND = { Identity: 'Default Frontend TEST' };
const SUBMISSION = { Identity: 'Client Frontend TEST' };
export const NARROW = { Identity: 'Narrow' };

const inbound = (name: string, value: Given[3]): Given => ['ReceiveConnector', INBOUND, name, value];

/** Says these lines on a connection to Default Frontend, one after the other. */
const lines =
  (...text: readonly string[]) =>
  async (stage: SettingsStage): Promise<string> =>
    saidTo(await stage.smtp(), text);

async function saidTo(talk: Talk, text: readonly string[]): Promise<string> {
  let said = '';
  for (const line of text) {
    said += await say(talk, line, SMTP_REPLY);
    if (said.endsWith('CLOSED')) break;
  }
  return said;
}

const ehlo = lines('EHLO client.example.com');
const MAIL = 'MAIL FROM:<a@b.example>';
const RSET = 'RSET';

/** A message from outside to Alice with this header. */
const message = (header: string): ((stage: SettingsStage) => Promise<string>) =>
  lines(MAIL, 'RCPT TO:<alice@example.test>', 'DATA', `${header}\r\n\r\nHello\r\n.`);

const keyword = (name: string, word: string, given: readonly Given[] = []): Effect => ({
  name,
  shows: `${word} is announced no more`,
  given,
  value: () => false,
  dialogue: ehlo,
  before: new RegExp(`250[ -]${word}`),
  after: new RegExp(`^(?!.*250[ -]${word}).*250 `, 's'),
});

const rejected = (name: string, shows: string, recipient: string): Effect => ({
  name,
  shows,
  value: () => true,
  dialogue: lines(MAIL, `RCPT TO:<${recipient}>`),
  before: /^250 .*\r\n(?!550 5\.1\.2)/,
  after: /^250 .*\r\n550 5\.1\.2/,
});

async function submissionTls(stage: SettingsStage): Promise<Talk> {
  const { ca, smtp } = stage.organization;
  const talk = await stage.smtp(smtp.submission);
  await say(talk, 'STARTTLS', SMTP_REPLY, /^220/);
  await talk.startTls(ca, 'localhost');
  return talk;
}

const two = async (stage: SettingsStage): Promise<string> => {
  const { inbound: port } = stage.organization.smtp;
  return (await stage.greeting(port)) + (await stage.greeting(port));
};

const WRONG_PASSWORD = `AUTH PLAIN ${Buffer.from('\0nobody@example.test\0wrong').toString('base64')}`;

async function failedLogon(stage: SettingsStage): Promise<string> {
  const talk = await submissionTls(stage);
  return saidTo(talk, ['EHLO client.example.com', WRONG_PASSWORD, 'NOOP']);
}

/** What the clock of the process says, so much later. */
async function later(ms: number, work: () => Promise<string>): Promise<string> {
  const { now } = Date;
  Date.now = () => now() + ms;
  try {
    return await work();
  } finally {
    Date.now = now;
  }
}

const received = (server: string): string => `Received: from x by ${server} with SMTP; Mon, 23 Nov 2026 10:00:00 +0000`;

const WHO_AND_WHERE: readonly Effect[] = [
  {
    name: 'Enabled',
    shows: 'false closes the port',
    value: () => false,
    dialogue: (stage) => stage.greeting(stage.organization.smtp.submission),
    identity: SUBMISSION,
    before: /^220 /,
    after: /^refused$/,
  },
  {
    name: 'Bindings',
    shows: 'a port opens',
    value: ({ furtherPort }) => ({ add: [`127.0.0.1:${furtherPort}`], remove: [] }),
    dialogue: (stage) => stage.greeting(stage.furtherPort),
    before: /^refused$/,
    after: /^220 /,
  },
  {
    name: 'RemoteIPRanges',
    shows: 'of two connectors on one port the most specific range wins',
    identity: NARROW,
    value: () => '127.0.0.1',
    dialogue: (stage) => stage.greeting(stage.organization.smtp.inbound),
    before: /^220 localhost/,
    after: /^220 narrow/,
  },
  {
    name: 'Fqdn',
    shows: 'the name in the answer to EHLO',
    value: () => OTHER_NAME,
    dialogue: ehlo,
    before: /^250-localhost Hello/,
    after: /^250-mail\.example\.test Hello/,
  },
  {
    name: 'Banner',
    shows: 'the greeting',
    value: () => '220 good morning',
    dialogue: (stage) => stage.greeting(stage.organization.smtp.inbound),
    before: /^220 localhost Penfold/,
    after: /^220 good morning\r\n$/,
  },
  {
    name: 'AuthMechanism',
    shows: 'without BasicAuth no AUTH',
    identity: SUBMISSION,
    value: () => 'Tls',
    dialogue: async (stage) => say(await submissionTls(stage), 'EHLO client.example.com', SMTP_REPLY),
    before: /250[ -]AUTH .*PLAIN/,
    after: /^(?!.*AUTH).*250 /s,
  },
  {
    name: 'PermissionGroups',
    shows: 'without AnonymousUsers a logon is asked for',
    value: () => 'ExchangeUsers',
    dialogue: lines(MAIL),
    before: /^250 /,
    after: /^530 5\.7\.0 auth/,
  },
  {
    name: 'RequireTLS',
    shows: 'no mail in the clear',
    value: () => true,
    dialogue: lines(MAIL),
    before: /^250 /,
    after: /^530 5\.7\.0 must issue a STARTTLS/,
  },
  {
    name: 'AdvertiseClientSettings',
    shows: 'users are told host and port',
    identity: SUBMISSION,
    value: () => true,
    dialogue: (stage) =>
      stage.get('CASMailbox', { Identity: stage.alice.address, ProtocolSettings: true }, 'ExternalSmtpSettings'),
    before: /^$/,
    after: /^localhost:\d+:(?:TLS|SSL)/,
  },
  {
    name: 'TlsCertificateName',
    shows:
      'every client gets this one, by STARTTLS and from the first byte; empty: the one it asks for, else that for Fqdn',
    identity: SUBMISSION,
    value: async (stage) => {
      const certificate = only(await stage.run('Get-ExchangeCertificate', { DomainName: OTHER_NAME }));
      return shownText(certificate['TlsCertificateName']);
    },
    dialogue: async (stage) => {
      const { ca, smtp } = stage.organization;
      const names: unknown[] = [];
      for (const servername of [null, 'localhost']) names.push(await stage.certificateOn(smtp.submissions, servername));
      const talk = await stage.smtp(smtp.submission);
      await say(talk, 'STARTTLS', SMTP_REPLY, /^220/);
      names.push((await talk.startTls(ca, null)).getPeerCertificate().subject.CN);
      return names.join(' ');
    },
    before: /^localhost localhost localhost$/,
    after: /^mail\.example\.test mail\.example\.test mail\.example\.test$/,
  },
];

const HOW_MUCH: readonly Effect[] = [
  {
    name: 'MaxMessageSize',
    shows: 'announced by SIZE, and held',
    value: () => 65_536,
    dialogue: lines('EHLO client.example.com', `${MAIL} SIZE=70000`),
    before: /SIZE \d{8}\r.*\r\n250 2\.1\.0/s,
    after: /SIZE 65536\r.*\r\n552 5\.3\.4/s,
  },
  {
    name: 'MaxRecipientsPerMessage',
    shows: 'one more gets 452, the session goes on',
    value: () => 1,
    dialogue: lines(MAIL, 'RCPT TO:<alice@example.test>', 'RCPT TO:<bob@example.test>', 'NOOP'),
    before: /^250.*\r\n250.*\r\n250.*\r\n250/,
    after: /^250.*\r\n250.*\r\n452 4\.5\.3.*\r\n250/,
  },
  {
    name: 'MessageRateLimit',
    shows: 'the second message of the minute is put off',
    value: () => 1,
    dialogue: lines(MAIL, RSET, MAIL),
    before: /^250.*\r\n250.*\r\n250/,
    after: /451 4\.7\.0 .*MessageRateLimit/,
  },
  {
    name: 'MessageRateSource',
    shows: 'None counts nothing',
    given: [inbound('MessageRateLimit', 1)],
    value: () => 'None',
    dialogue: lines(MAIL, RSET, MAIL),
    before: /451 4\.7\.0 .*MessageRateLimit/,
    after: /^250.*\r\n250.*\r\n250/,
  },
  {
    name: 'ConnectionTimeout',
    shows: 'a busy connection ends after it',
    given: [inbound('ConnectionInactivityTimeout', '00:00:30')],
    value: () => '00:00:40',
    dialogue: async (stage) => {
      const talk = await stage.smtp();
      return later(45_000, async () => {
        const said = await saidTo(talk, ['NOOP', 'NOOP']);
        return said + (said.includes('\r\n421 ') ? await talk.rest() : '');
      });
    },
    before: /^250 [^\r]*\r\n250 [^\r]*\r\n$/,
    after: /^250 .*\r\n421 4\.4\.2 .*CLOSED$/s,
  },
  {
    name: 'ConnectionInactivityTimeout',
    shows: 'a silent connection ends after it',
    value: () => '00:00:30',
    dialogue: async (stage) => {
      const talk = await stage.smtp();
      await say(talk, 'NOOP', SMTP_REPLY);
      await say(talk, 'NOOP', SMTP_REPLY);
      const { ms } = stage.deadline;
      stage.expire();
      return `${ms} ${await talk.rest()}`;
    },
    before: /^300000 421 4\.4\.2/,
    after: /^30000 421 4\.4\.2/,
  },
  {
    name: 'MaxInboundConnection',
    shows: 'one more is refused',
    value: () => 1,
    dialogue: two,
    before: /^220 .*\r\n220 /,
    after: /^220 .*\r\n421 4\.3\.2 .*MaxInboundConnection\)/,
  },
  {
    name: 'MaxInboundConnectionPerSource',
    shows: 'one more from the same address is refused',
    value: () => 1,
    dialogue: two,
    before: /^220 .*\r\n220 /,
    after: /^220 .*\r\n421 4\.3\.2 .*MaxInboundConnectionPerSource/,
  },
  {
    name: 'MaxInboundConnectionPercentagePerSource',
    shows: 'a tenth of ten is one',
    given: [inbound('MaxInboundConnection', 10)],
    value: () => 10,
    dialogue: two,
    before: /^220 .*\r\n220 /,
    after: /^220 .*\r\n421 4\.3\.2 .*MaxInboundConnectionPercentagePerSource/,
  },
  {
    name: 'MaxProtocolErrors',
    shows: '0: the first mistake ends it',
    value: () => 0,
    dialogue: lines('FOO', 'NOOP'),
    before: /^500.*\r\n250 /,
    after: /^500.*\r\n421 4\.7\.0 .*CLOSED$/s,
  },
  {
    name: 'MaxLogonFailures',
    shows: '1: the first wrong password ends it',
    identity: SUBMISSION,
    value: () => 1,
    dialogue: failedLogon,
    before: /535 .*\r\n250 /,
    after: /535 .*\r\n421 4\.7\.0 .*CLOSED$/s,
  },
  {
    name: 'MaxHopCount',
    shows: 'a message with more Received fields is a loop',
    value: () => 1,
    dialogue: message(`${received('a.example')}\r\n${received('b.example')}`),
    before: /\r\n250 2\.6\.0/,
    after: /\r\n554 5\.4\.6 hop count exceeded: more than 1 Received fields\r\n/,
  },
  {
    name: 'MaxLocalHopCount',
    shows: 'a message that was here more often is a loop',
    value: () => 1,
    dialogue: message(`${received('localhost')}\r\n${received('LOCALHOST (Penfold)')}`),
    before: /\r\n250 2\.6\.0/,
    after: /\r\n554 5\.4\.6 hop count exceeded: more than 1 Received fields of this server/,
  },
  {
    name: 'MaxLocalHopCount',
    shows: 'hops of other servers do not count; 0 counts none',
    given: [inbound('MaxLocalHopCount', 1)],
    value: () => 0,
    dialogue: async (stage) =>
      (await message(`${received('a.example')}\r\n${received('b.localhost')}`)(stage)).slice(-80) +
      (await message(`${received('localhost')}\r\n${received('localhost')}`)(stage)).slice(-80),
    before: /250 2\.6\.0.*554 5\.4\.6/s,
    after: /250 2\.6\.0.*250 2\.6\.0/s,
  },
  {
    name: 'MaxHeaderSize',
    shows: 'a message with a larger header is refused',
    value: () => '1KB',
    dialogue: message(`Subject: ${'x'.repeat(900)}\r\nX-More: ${'x'.repeat(900)}`),
    before: /\r\n250 2\.6\.0/,
    after: /\r\n552 5\.3\.4 the header/,
  },
];

const WHAT_IS_OFFERED: readonly Effect[] = [
  {
    name: 'SizeEnabled',
    shows: 'Disabled: SIZE is not announced',
    value: () => 'Disabled',
    dialogue: ehlo,
    before: /250[ -]SIZE \d+\r/,
    after: /^(?!.*SIZE).*250 /s,
  },
  {
    name: 'SizeEnabled',
    shows: 'EnabledWithoutValue: SIZE without the limit',
    value: () => 'EnabledWithoutValue',
    dialogue: ehlo,
    before: /250[ -]SIZE \d+\r/,
    after: /250[ -]SIZE\r\n/,
  },
  keyword('ChunkingEnabled', 'CHUNKING', [inbound('BinaryMimeEnabled', false)]),
  keyword('DeliveryStatusNotificationEnabled', 'DSN'),
  keyword('EightBitMimeEnabled', '8BITMIME'),
  keyword('EnhancedStatusCodesEnabled', 'ENHANCEDSTATUSCODES'),
  {
    name: 'EnhancedStatusCodesEnabled',
    shows: 'answers have no codes of RFC 3463',
    value: () => false,
    dialogue: lines(MAIL),
    before: /^250 2\.1\.0 /,
    after: /^250 [a-z]/,
  },
  keyword('PipeliningEnabled', 'PIPELINING'),
  {
    name: 'RequireEHLODomain',
    shows: 'a name without a dot is refused',
    value: () => true,
    dialogue: lines('EHLO laptop'),
    before: /^250-/,
    after: /^501 /,
  },
  rejected('RejectSingleLabelRecipientDomains', 'a domain without a dot', 'a@intranet'),
  rejected('RejectReservedTopLevelRecipientDomains', 'shop.test', 'a@shop.test'),
  rejected('RejectReservedSecondLevelRecipientDomains', 'example.org', 'a@example.org'),
];

const onStage = 'attack/smtp.test.ts';

export const CONNECTOR_EFFECTS: EffectTable = {
  noun: 'ReceiveConnector',
  identity: INBOUND,
  effects: [...WHO_AND_WHERE, ...HOW_MUCH, ...WHAT_IS_OFFERED],
  elsewhere: [
    // Five seconds are not waited for here: that stage has a clock.
    { name: 'TarpitInterval', file: onStage, title: 'tarpits and then ends a hunt for addresses' },
    { name: 'AuthTarpitInterval', file: onStage, title: 'waits AuthTarpitInterval and ends after MaxLogonFailures' },
    {
      name: 'ProtocolLoggingLevel',
      file: 'settings/protocol-log.test.ts',
      title: 'ReceiveConnector ProtocolLoggingLevel',
    },
  ],
  parity: [
    'BinaryMimeEnabled',
    'BareLinefeedRejectionEnabled',
    'Comment',
    'OrarEnabled',
    'LongAddressesEnabled',
    'DomainSecureEnabled',
    'SuppressXAnonymousTls',
    'EnableAuthGSSAPI',
    'ExtendedProtectionPolicy',
    'DefaultDomain',
    'ServiceDiscoveryFqdn',
    'TlsDomainCapabilities',
  ],
};
