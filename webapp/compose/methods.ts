/** The JMAP methods that composing calls (RFC 8621, our account capability), and what of their answers it reads. */
import * as v from 'valibot';
import { getAnswer, method, queryAnswer, setAnswer } from '../jmap/method.ts';

const addresses = v.pipe(
  v.nullable(v.array(v.object({ name: v.nullable(v.string()), email: v.string() }))),
  v.transform((list) => list ?? []),
);
const ids = v.pipe(
  v.nullable(v.array(v.string())),
  v.transform((list) => list ?? []),
);

const identitySchema = v.object({
  id: v.string(),
  name: v.string(),
  email: v.string(),
  replyTo: addresses,
  bcc: addresses,
  textSignature: v.string(),
  htmlSignature: v.string(),
});
export type Identity = v.InferOutput<typeof identitySchema>;

const settingsSchema = v.object({
  composeFormat: v.picklist(['html', 'text']),
  undoSendSeconds: v.number(),
  signatures: v.array(v.object({ id: v.string(), name: v.string(), text: v.string(), html: v.string() })),
  newMessageSignature: v.nullable(v.string()),
  replySignature: v.nullable(v.string()),
});
export type ComposeSettings = v.InferOutput<typeof settingsSchema>;
export type Signature = ComposeSettings['signatures'][number];

const partSchema = v.object({
  partId: v.nullable(v.string()),
  blobId: v.nullable(v.string()),
  size: v.number(),
  name: v.nullable(v.string()),
  type: v.string(),
  disposition: v.nullable(v.string()),
  cid: v.nullable(v.string()),
});
export type Part = v.InferOutput<typeof partSchema>;
export const PART_PROPERTIES = Object.keys(partSchema.entries);

const originalSchema = v.object({
  id: v.string(),
  blobId: v.string(),
  size: v.number(),
  keywords: v.record(v.string(), v.literal(true)),
  from: addresses,
  replyTo: addresses,
  to: addresses,
  cc: addresses,
  bcc: addresses,
  subject: v.nullable(v.string()),
  sentAt: v.nullable(v.string()),
  receivedAt: v.string(),
  messageId: ids,
  inReplyTo: ids,
  references: ids,
  textBody: v.array(partSchema),
  htmlBody: v.array(partSchema),
  attachments: v.array(partSchema),
  bodyValues: v.record(v.string(), v.looseObject({ value: v.string() })),
  'header:X-Penfold-Answers:asText': v.nullable(v.string()),
});
export type OriginalEmail = v.InferOutput<typeof originalSchema>;
export const ORIGINAL_PROPERTIES = Object.keys(originalSchema.entries);

const viewSchema = v.object({
  id: v.string(),
  html: v.string(),
  css: v.string(),
  isPlain: v.boolean(),
});

const submission = v.looseObject({ id: v.string(), undoStatus: v.optional(v.string()) });

export const identityGet = method('Identity/get', 'submission', getAnswer(identitySchema));
export const settingsGet = method('AccountSettings/get', 'account', getAnswer(settingsSchema));
export const originalGet = method('Email/get', 'mail', getAnswer(originalSchema));
export const attachmentsGet = method(
  'Email/get',
  'mail',
  getAnswer(v.object({ id: v.string(), attachments: v.array(partSchema) })),
);
export const presenceGet = method(
  'Email/get',
  'mail',
  getAnswer(v.object({ id: v.string(), keywords: v.record(v.string(), v.literal(true)) })),
);
export const recipientsGet = method(
  'Email/get',
  'mail',
  getAnswer(v.object({ id: v.string(), receivedAt: v.string(), to: addresses, cc: addresses, bcc: addresses })),
);
export const viewGet = method('EmailView/get', 'mailView', getAnswer(viewSchema));
export const emailQuery = method('Email/query', 'mail', queryAnswer);
export const emailSet = method('Email/set', 'mail', setAnswer);
export const rolesGet = method(
  'Mailbox/get',
  'mail',
  getAnswer(v.object({ id: v.string(), role: v.nullable(v.string()) })),
);
export const submissionSet = method('EmailSubmission/set', 'submission', setAnswer);
export const submissionGet = method('EmailSubmission/get', 'submission', getAnswer(submission));
