/** exchange-behaviour.md §1.2: what each parameter of Set-PopSettings and Set-ImapSettings does to a client. */
import type { TestUser } from '../support/organization.ts';
import type { Effect, EffectTable, Given } from './effects.ts';
import { IMAP_ANSWER, LINE, OTHER_NAME, POP_LIST, say, type SettingsStage, SMTP_REPLY } from './stage.ts';
import type { Talk } from './talk.ts';

/** What a table row needs of a protocol, so that one row is for both. */
interface Protocol {
  readonly noun: 'PopSettings' | 'ImapSettings';
  /** Of the parameters of Set-CASMailbox and of Get-CASMailbox -ProtocolSettings. */
  readonly prefix: 'Pop' | 'Imap';
  readonly ports: (stage: SettingsStage) => { readonly plain: number; readonly tls: number };
  readonly logOn: (stage: SettingsStage, user?: TestUser) => Promise<Talk>;
  readonly capabilities: (talk: Talk) => Promise<string>;
  readonly startTls: string;
  readonly noop: (talk: Talk) => Promise<string>;
  /** Before the logon: something harmless. */
  readonly something: (talk: Talk) => Promise<string>;
  /** Message `n` of Alice's Inbox, read as by a program that downloads, in a session of its own. */
  readonly read: (stage: SettingsStage, n: number) => Promise<string>;
  readonly farewell: RegExp;
  /** Behind the logon POP3 closes without a word (RFC 1939 §3). */
  readonly silence: RegExp;
}

export const POP: Protocol = {
  noun: 'PopSettings',
  prefix: 'Pop',
  ports: ({ organization }) => organization.pop3,
  logOn: (stage, user) => stage.pop(user),
  capabilities: (talk) => say(talk, 'CAPA', POP_LIST),
  startTls: 'STLS',
  noop: (talk) => say(talk, 'NOOP', LINE, /^\+OK/),
  something: (talk) => say(talk, 'CAPA', POP_LIST, /^\+OK/),
  read: async (stage, n) => {
    const talk = await stage.pop();
    const seen = (await say(talk, `LIST ${n}`, LINE)) + (await say(talk, `RETR ${n}`, POP_LIST, /^\+OK/));
    talk.send('QUIT\r\n');
    await talk.rest();
    return seen;
  },
  farewell: /-ERR .*CLOSED$/s,
  silence: /CLOSED$/,
};

export const IMAP: Protocol = {
  noun: 'ImapSettings',
  prefix: 'Imap',
  ports: ({ organization }) => organization.imap,
  logOn: (stage, user) => stage.imap(user),
  capabilities: (talk) => say(talk, 'a CAPABILITY', IMAP_ANSWER),
  startTls: 'a STARTTLS',
  noop: (talk) => say(talk, 'a NOOP', IMAP_ANSWER, /^a OK/m),
  something: (talk) => say(talk, 'a NOOP', IMAP_ANSWER, /^a OK/m),
  read: async (stage, n) => {
    const talk = await stage.imap();
    await say(talk, 'a SELECT INBOX', IMAP_ANSWER, /^a OK/m);
    const seen =
      (await say(talk, `a FETCH ${n} (RFC822.SIZE BODYSTRUCTURE)`, IMAP_ANSWER)) +
      (await say(talk, `a FETCH ${n} BODY[]`, IMAP_ANSWER, /^a OK/m));
    talk.send('a LOGOUT\r\n');
    await talk.rest();
    return seen;
  },
  farewell: /\* BYE .*CLOSED$/s,
  silence: /\* BYE .*CLOSED$/s,
};

/** Bob writes to Alice and wants to know whether she reads it; she downloads. How many receipts he has now. */
export const receipts =
  ({ prefix, read }: Protocol) =>
  async (stage: SettingsStage): Promise<string> => {
    const { alice, bob } = stage;
    const count = async (user: TestUser): Promise<number> => {
      const talk = await stage.imap(user);
      const answer = await say(talk, 'a STATUS INBOX (MESSAGES)', IMAP_ANSWER);
      return Number(/MESSAGES (\d+)/.exec(answer)?.[1]);
    };
    const had = await count(bob);
    const smtp = await stage.smtp();
    for (const line of [`MAIL FROM:<${bob.address}>`, `RCPT TO:<${alice.address}>`, 'DATA']) {
      await say(smtp, line, SMTP_REPLY, /^[23]5/);
    }
    const fields = `From: ${bob.address}\r\nDisposition-Notification-To: ${bob.address}\r\nMessage-ID: <${crypto.randomUUID()}@example.test>`;
    await say(smtp, `${fields}\r\nSubject: read me\r\n\r\n.`, SMTP_REPLY, /^250/);
    // What a session does for a download is done when it has hung up.
    await read(stage, await count(alice));
    return `${prefix}: ${(await count(bob)) - had} receipts`;
  };

const twice = (open: (stage: SettingsStage) => Promise<Talk>) => async (stage: SettingsStage) => {
  const first = await (await open(stage)).until(LINE);
  return first + (await (await open(stage)).until(LINE));
};

function effectsOn(protocol: Protocol): readonly Effect[] {
  const { capabilities, farewell, logOn, noop, noun, ports, prefix, read, silence, something, startTls } = protocol;
  const refusal = new RegExp(`${prefix === 'Pop' ? '-ERR' : String.raw`\* BYE`}.*`).source;
  const given = (name: string, value: string): Given => [noun, {}, name, value];
  const further = (stage: SettingsStage): { add: string[]; remove: string[] } => ({
    add: [`127.0.0.1:${stage.furtherPort}`],
    remove: [],
  });
  const loginTypes = async (stage: SettingsStage): Promise<string> => {
    const talk = await stage.talk(ports(stage).plain);
    await talk.until(LINE);
    const clear = await capabilities(talk);
    await say(talk, startTls, LINE, /OK/);
    await talk.startTls(stage.organization.ca, 'localhost');
    return `clear: ${clear} encrypted: ${await capabilities(talk)}`.replaceAll('\r\n', '|');
  };
  const takesPasswords = prefix === 'Pop' ? /clear: .*\|USER\|.* encrypted: .*PLAIN/ : /^(?!.*LOGINDISABLED)/;
  const takesNothing =
    prefix === 'Pop'
      ? /clear: (?!.*\|USER\|.* encrypted:)(?!.*SASL.* encrypted:)/
      : /clear: .*LOGINDISABLED.* encrypted:/;
  return [
    {
      name: 'AuthenticatedConnectionTimeout',
      shows: 'silence behind the logon ends after it',
      value: () => '00:00:30',
      dialogue: async (stage) => {
        const talk = await logOn(stage);
        await noop(talk);
        await noop(talk);
        const { ms } = stage.deadline;
        stage.expire();
        return `${ms} ${await talk.rest()}`;
      },
      before: new RegExp(`^1800000 .*${silence.source}`, 's'),
      after: new RegExp(`^30000 .*${silence.source}`, 's'),
    },
    {
      name: 'PreAuthenticatedConnectionTimeout',
      shows: 'silence before the logon ends after it',
      value: () => '00:00:30',
      dialogue: async (stage) => {
        const talk = await stage.talk(ports(stage).plain);
        await talk.until(LINE);
        await something(talk);
        await something(talk);
        const { ms } = stage.deadline;
        stage.expire();
        return `${ms} ${await talk.rest()}`;
      },
      before: new RegExp(`^60000 .*${farewell.source}`, 's'),
      after: new RegExp(`^30000 .*${farewell.source}`, 's'),
    },
    {
      name: 'Banner',
      shows: 'the greeting',
      value: () => 'Good morning.',
      dialogue: (stage) => stage.greeting(ports(stage).plain),
      before: /Penfold .* service is ready\./,
      after: /Good morning\.\r\n$/,
    },
    {
      name: 'UnencryptedOrTLSBindings',
      shows: 'a port opens',
      value: further,
      dialogue: (stage) => stage.greeting(stage.furtherPort),
      before: /^refused$/,
      after: /OK .*ready/,
    },
    {
      name: 'SSLBindings',
      shows: 'a port opens, with TLS from the first byte',
      value: further,
      dialogue: async (stage) => {
        const { furtherPort } = stage;
        const open = stage.organization.running.listeners().some(({ port }) => port === furtherPort);
        return open ? (await stage.talkTls(furtherPort)).until(LINE) : 'refused';
      },
      before: /^refused$/,
      after: /OK .*ready/,
    },
    ...(['Internal', 'External'] as const).map(
      (side): Effect => ({
        name: `${side}ConnectionSettings`,
        shows: 'what users are told',
        value: () => `${OTHER_NAME}:995:SSL`,
        dialogue: (stage) =>
          stage.get(
            'CASMailbox',
            { Identity: stage.alice.address, ProtocolSettings: true },
            `${side}${prefix}Settings`,
          ),
        before: side === 'Internal' ? /^localhost:/ : /^$/,
        after: /^mail\.example\.test:995:SSL$/,
      }),
    ),
    {
      name: 'X509CertificateName',
      shows: 'the certificate for clients that name no host; the others get what they ask for',
      value: () => OTHER_NAME,
      dialogue: async (stage) => {
        const { tls } = ports(stage);
        const names = [await stage.certificateOn(tls, null), await stage.certificateOn(tls, 'localhost')];
        return names.join(' ');
      },
      before: /^localhost localhost$/,
      after: /^mail\.example\.test localhost$/,
    },
    {
      name: 'LoginType',
      shows: 'PlainTextLogin takes passwords in the clear',
      value: () => 'PlainTextLogin',
      dialogue: loginTypes,
      before: takesNothing,
      after: takesPasswords,
    },
    {
      name: 'LoginType',
      shows: 'PlainTextAuthentication takes what sends no password in the clear',
      value: () => 'PlainTextAuthentication',
      dialogue: loginTypes,
      before: takesNothing,
      after: /clear: (?!.*\bPLAIN\b.* encrypted:).*SCRAM-SHA-256.* encrypted: .*PLAIN/,
    },
    {
      name: 'MaxConnections',
      shows: 'one more is refused, with the name of the limit',
      value: () => 1,
      dialogue: twice((stage) => stage.talk(ports(stage).plain)),
      before: /OK .*OK .*ready/s,
      after: new RegExp(`OK .*\r\n${refusal}MaxConnections\\)`),
    },
    {
      name: 'MaxConnectionFromSingleIP',
      shows: 'one more from the same address is refused',
      value: () => 1,
      dialogue: twice((stage) => stage.talk(ports(stage).plain)),
      before: /OK .*OK .*ready/s,
      after: new RegExp(`OK .*\r\n${refusal}MaxConnectionFromSingleIP`),
    },
    {
      name: 'MaxConnectionsPerUser',
      shows: 'the same user is refused the second time',
      value: () => 1,
      dialogue: async (stage) => {
        await logOn(stage);
        return logOn(stage).then(
          () => 'both',
          (error: unknown) => String(error),
        );
      },
      before: /^both$/,
      after: /MaxConnectionsPerUser/,
    },
    {
      name: 'MaxCommandSize',
      shows: 'a longer line is refused, the session goes on',
      value: () => (prefix === 'Pop' ? 40 : 1024),
      dialogue: async (stage) => {
        const talk = await stage.talkTls(ports(stage).tls);
        await talk.until(LINE);
        const long =
          prefix === 'Pop'
            ? await say(talk, `USER ${'x'.repeat(50)}`, LINE)
            : await say(talk, `a ID ("name" "${'x'.repeat(1100)}")`, IMAP_ANSWER);
        return long + (await something(talk));
      },
      before: prefix === 'Pop' ? /^\+OK\r\n\+OK/ : /^a OK ID/m,
      after: prefix === 'Pop' ? /^-ERR .*40 bytes\r\n\+OK/ : /^a BAD .*1024.*a OK NOOP/s,
    },
    {
      name: 'CalendarItemRetrievalOption',
      shows: 'an invitation becomes a link',
      given: [given('OwaServerUrl', 'https://mail.example.test')],
      value: () => 'Custom',
      dialogue: (stage) => read(stage, 2),
      before: /BEGIN:VCALENDAR/,
      after: /^(?!.*BEGIN:VCALENDAR).*mail\.example\.test/s,
    },
    {
      name: 'OwaServerUrl',
      shows: 'where the link leads',
      given: [given('OwaServerUrl', 'https://mail.example.test'), given('CalendarItemRetrievalOption', 'Custom')],
      value: () => 'https://other.example.test',
      dialogue: (stage) => read(stage, 2),
      before: /mail\.example\.test/,
      after: /^(?!.*mail\.example\.test).*other\.example\.test/s,
    },
    {
      name: 'MessageRetrievalMimeFormat',
      shows: 'HTML becomes text, size and structure with it',
      value: () => 'TextOnly',
      dialogue: (stage) => read(stage, 1),
      before: /^(?=.*<p>Hello).*text\/html/s,
      after: /^(?!.*<p>).*text\/plain/s,
    },
    {
      name: 'SuppressReadReceipt',
      shows: 'a download is not acknowledged',
      value: () => true,
      dialogue: receipts(protocol),
      before: /: 1 receipts/,
      after: /: 0 receipts/,
    },
  ];
}

const logs = ['ProtocolLogEnabled', 'LogFileLocation', 'LogFileRollOverSettings', 'LogPerFileSizeQuota'].map(
  (name) => ({ name, file: 'settings/protocol-log.test.ts', title: `\${noun} ${name}` }),
);
const port = [{ name: 'ProxyTargetPort', file: 'relay/port.test.ts', title: '${noun} ProxyTargetPort' }];
const kept = ['EnableGSSAPIAndNTLMAuth', 'ExtendedProtectionPolicy', 'EnforceCertificateErrors'];

export const POP_EFFECTS: EffectTable = {
  noun: 'PopSettings',
  identity: {},
  effects: [
    ...effectsOn(POP),
    {
      name: 'MessageRetrievalSortOrder',
      shows: 'message 1 is the newest',
      value: () => 'Descending',
      dialogue: (stage) => POP.read(stage, 1),
      before: /Subject: rich/,
      after: /^(?!.*Subject: rich).*Subject: /s,
    },
  ],
  elsewhere: [...logs, ...port],
  parity: [...kept, 'EnableExactRFC822Size'],
};

export const IMAP_EFFECTS: EffectTable = {
  noun: 'ImapSettings',
  identity: {},
  effects: [
    ...effectsOn(IMAP),
    {
      name: 'ShowHiddenFoldersEnabled',
      shows: 'a hidden folder is listed',
      value: () => true,
      dialogue: async (stage) => say(await stage.imap(), 'a LIST "" *', IMAP_ANSWER),
      before: /^(?!.*Secret).*INBOX/s,
      after: /Secret/,
    },
  ],
  elsewhere: [...logs, ...port],
  parity: [...kept, 'EnableExactRFC822Size'],
};
