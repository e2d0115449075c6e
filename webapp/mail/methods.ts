/** The JMAP methods that the mail page calls (RFC 8621), and what of their answers it reads. */
import * as v from 'valibot';
import { changesAnswer, getAnswer, method, queryAnswer, setAnswer } from '../jmap/method.ts';

const marks = v.record(v.string(), v.literal(true));
const addressSchema = v.object({ name: v.nullable(v.string()), email: v.string() });
export type Address = v.InferOutput<typeof addressSchema>;

const rights = v.object({
  mayReadItems: v.boolean(),
  mayAddItems: v.boolean(),
  mayRemoveItems: v.boolean(),
  maySetSeen: v.boolean(),
  maySetKeywords: v.boolean(),
  mayCreateChild: v.boolean(),
  mayRename: v.boolean(),
  mayDelete: v.boolean(),
  maySubmit: v.boolean(),
});

const mailboxSchema = v.object({
  id: v.string(),
  name: v.string(),
  parentId: v.nullable(v.string()),
  role: v.nullable(v.string()),
  sortOrder: v.number(),
  totalEmails: v.number(),
  unreadEmails: v.number(),
  myRights: rights,
});
export type Mailbox = v.InferOutput<typeof mailboxSchema>;
/** Counts of conversations are left out: the server has to count them. */
export const MAILBOX_PROPERTIES = Object.keys(mailboxSchema.entries);

/** An Email as the list shows it. */
const emailSchema = v.object({
  id: v.string(),
  blobId: v.string(),
  threadId: v.string(),
  mailboxIds: marks,
  keywords: marks,
  size: v.number(),
  receivedAt: v.string(),
  from: v.nullable(v.array(addressSchema)),
  to: v.nullable(v.array(addressSchema)),
  subject: v.nullable(v.string()),
  preview: v.string(),
  hasAttachment: v.boolean(),
});
export type Email = v.InferOutput<typeof emailSchema>;
export const EMAIL_PROPERTIES = Object.keys(emailSchema.entries);

/** What changes of an Email once it is there; all else of it is the message itself. */
const placedSchema = v.pick(emailSchema, ['id', 'mailboxIds', 'keywords']);
export type Placed = v.InferOutput<typeof placedSchema>;
export const PLACED_PROPERTIES = Object.keys(placedSchema.entries);

const partSchema = v.object({
  partId: v.nullable(v.string()),
  blobId: v.nullable(v.string()),
  size: v.number(),
  name: v.nullable(v.string()),
  type: v.string(),
  charset: v.nullable(v.string()),
  disposition: v.nullable(v.string()),
  cid: v.nullable(v.string()),
});
export type Part = v.InferOutput<typeof partSchema>;
export const PART_PROPERTIES = Object.keys(partSchema.entries);

/** The head of a message that is read, and its parts. */
const headSchema = v.object({
  id: v.string(),
  blobId: v.string(),
  messageId: v.nullable(v.array(v.string())),
  sender: v.nullable(v.array(addressSchema)),
  from: v.nullable(v.array(addressSchema)),
  to: v.nullable(v.array(addressSchema)),
  cc: v.nullable(v.array(addressSchema)),
  bcc: v.nullable(v.array(addressSchema)),
  replyTo: v.nullable(v.array(addressSchema)),
  subject: v.nullable(v.string()),
  sentAt: v.nullable(v.string()),
  size: v.number(),
  attachments: v.array(partSchema),
});
export type MessageHead = v.InferOutput<typeof headSchema>;
export const HEAD_PROPERTIES = Object.keys(headSchema.entries);

const headersSchema = v.object({
  id: v.string(),
  headers: v.array(v.object({ name: v.string(), value: v.string() })),
});

const snippetSchema = v.object({
  emailId: v.string(),
  subject: v.nullable(v.string()),
  preview: v.nullable(v.string()),
});
export type Snippet = v.InferOutput<typeof snippetSchema>;

export const mailboxGet = method('Mailbox/get', 'mail', getAnswer(mailboxSchema));
export const mailboxSet = method('Mailbox/set', 'mail', setAnswer);
export const emailQuery = method('Email/query', 'mail', queryAnswer);
export const emailGet = method('Email/get', 'mail', getAnswer(emailSchema));
export const placedGet = method('Email/get', 'mail', getAnswer(placedSchema));
export const headGet = method('Email/get', 'mail', getAnswer(headSchema));
export const headersGet = method('Email/get', 'mail', getAnswer(headersSchema));
export const emailChanges = method('Email/changes', 'mail', changesAnswer);
export const emailSet = method('Email/set', 'mail', setAnswer);
export const threadGet = method(
  'Thread/get',
  'mail',
  getAnswer(v.object({ id: v.string(), emailIds: v.array(v.string()) })),
);
export const snippetGet = method(
  'SearchSnippet/get',
  'mail',
  v.object({ accountId: v.string(), list: v.array(snippetSchema), notFound: v.nullable(v.array(v.string())) }),
);
