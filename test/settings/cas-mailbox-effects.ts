/** exchange-behaviour.md §2: what each parameter of Set-CASMailbox does to the person whose mailbox it is. */
import { Buffer } from 'node:buffer';
import type { Effect, EffectTable, Given } from './effects.ts';
import { IMAP, POP, receipts } from './mail-protocol-effects.ts';
import { say, type SettingsStage, SMTP_REPLY } from './stage.ts';

const ALICE = { Identity: 'alice@example.test' };

const own = (name: string, value: string | boolean): Given => ['CASMailbox', ALICE, name, value];

function effectsOf(protocol: typeof POP): readonly Effect[] {
  const { logOn, noun, prefix, read } = protocol;
  const ownSettings = own(`${prefix}UseProtocolDefaults`, false);
  return [
    {
      name: `${prefix}Enabled`,
      shows: 'false refuses the logon',
      value: () => false,
      dialogue: (stage) =>
        logOn(stage).then(
          () => 'in',
          (error: unknown) => String(error),
        ),
      before: /^in$/,
      after: /(?:-ERR|a NO) /,
    },
    {
      name: `${prefix}UseProtocolDefaults`,
      shows: 'true: the format of the server counts again',
      given: [ownSettings, own(`${prefix}MessagesRetrievalMimeFormat`, 'TextOnly')],
      value: () => true,
      dialogue: (stage) => read(stage, 1),
      before: /^(?!.*<p>).*text\/plain/s,
      after: /<p>Hello/,
    },
    {
      name: `${prefix}MessagesRetrievalMimeFormat`,
      shows: 'HTML becomes text, for this mailbox',
      given: [ownSettings],
      value: () => 'TextOnly',
      dialogue: (stage) => read(stage, 1),
      before: /<p>Hello/,
      after: /^(?!.*<p>).*text\/plain/s,
    },
    {
      name: `${prefix}ForceICalForCalendarRetrievalOption`,
      shows: 'an invitation stays iCalendar where the server makes links',
      given: [
        [noun, {}, 'OwaServerUrl', 'https://mail.example.test'],
        [noun, {}, 'CalendarItemRetrievalOption', 'Custom'],
        ownSettings,
      ],
      value: () => true,
      dialogue: (stage) => read(stage, 2),
      before: /^(?!.*BEGIN:VCALENDAR).*mail\.example\.test/s,
      after: /BEGIN:VCALENDAR/,
    },
    {
      name: `${prefix}SuppressReadReceipt`,
      shows: 'a download by this person is not acknowledged',
      given: [ownSettings],
      value: () => true,
      dialogue: receipts(protocol),
      before: /: 1 receipts/,
      after: /: 0 receipts/,
    },
  ];
}

async function submit(stage: SettingsStage): Promise<string> {
  const talk = await stage.smtp(stage.organization.smtp.submission);
  await say(talk, 'STARTTLS', SMTP_REPLY, /^220/);
  await talk.startTls(stage.organization.ca, 'localhost');
  await say(talk, 'EHLO client.example.com', SMTP_REPLY, /^250/);
  const { address, password } = stage.alice;
  return say(talk, `AUTH PLAIN ${Buffer.from(`\0${address}\0${password}`).toString('base64')}`, SMTP_REPLY);
}

export const CAS_EFFECTS: EffectTable = {
  noun: 'CASMailbox',
  identity: ALICE,
  effects: [
    ...effectsOf(POP),
    ...effectsOf(IMAP),
    {
      name: 'SmtpClientAuthenticationDisabled',
      shows: 'true refuses the logon for submission',
      value: () => true,
      dialogue: submit,
      before: /^235 /,
      after: /^525 5\.7\.13 /,
    },
  ],
  elsewhere: [
    { name: 'OWAEnabled', file: 'auth/authenticator.test.ts', title: 'each refusal has its own code and log line' },
  ],
  parity: [
    'PopEnableExactRFC822Size',
    'ImapEnableExactRFC822Size',
    'MAPIEnabled',
    'EwsEnabled',
    'ActiveSyncEnabled',
    'ECPEnabled',
  ],
};
