/** What a mail program has to be set to, as JMAP tells it (`urn:penfold:params:jmap:client-settings`), and its test. */
import * as v from 'valibot';
import { getAnswer, method } from '../jmap/method.ts';

export const PROTOCOLS = ['pop', 'imap', 'smtp'] as const;
export type Protocol = (typeof PROTOCOLS)[number];
export const SIDES = ['external', 'internal'] as const;
export type Side = (typeof SIDES)[number];

const setting = v.object({
  host: v.string(),
  port: v.number(),
  encryption: v.picklist(['SSL', 'TLS', 'none']),
});
export type Setting = v.InferOutput<typeof setting>;

/** Null: not available. */
const sideSettings = v.nullable(v.object({ preferred: setting, alternatives: v.array(setting) }));
export type SideSettings = v.InferOutput<typeof sideSettings>;

const protocolSettings = v.object({
  external: sideSettings,
  internal: sideSettings,
  /** Why this person cannot use it; null: it is on for him. */
  refused: v.nullable(v.string()),
  state: v.picklist(['running', 'front-end-stopped', 'back-end-stopped', 'out-of-service']),
});
export type ProtocolSettings = v.InferOutput<typeof protocolSettings>;

const mailbox = v.object({
  accountId: v.string(),
  name: v.string(),
  address: v.string(),
  isOwn: v.boolean(),
  userNames: v.object({ pop: v.nullable(v.string()), imap: v.nullable(v.string()), smtp: v.nullable(v.string()) }),
});
export type SettingsMailbox = v.InferOutput<typeof mailbox>;

const clientSettings = v.object({
  pop: protocolSettings,
  imap: protocolSettings,
  smtp: protocolSettings,
  mailboxes: v.array(mailbox),
  autoconfigUrl: v.nullable(v.string()),
  appleProfileUrl: v.nullable(v.string()),
});
export type ClientSettings = v.InferOutput<typeof clientSettings>;

export const clientSettingsGet = method('ClientSettings/get', 'clientSettings', getAnswer(clientSettings));

const step = v.object({
  step: v.picklist(['resolve', 'connect', 'tls', 'greeting', 'logon', 'open']),
  ok: v.boolean(),
  fault: v.optional(v.string()),
  authority: v.optional(v.picklist(['organization', 'public'])),
  certificateNames: v.optional(v.array(v.string())),
  answer: v.optional(v.string()),
});
export type TestStep = v.InferOutput<typeof step>;

export const clientSettingsTest = method(
  'ClientSettings/test',
  'clientSettings',
  v.object({ isPassed: v.boolean(), steps: v.array(step) }),
);
