/** EmailView/get (ADR 12 §2): a message ready to be shown. */
import * as v from 'valibot';
import { getAnswer, method } from '../jmap/method.ts';

const attachmentSchema = v.object({
  partId: v.nullable(v.string()),
  blobId: v.string(),
  name: v.nullable(v.string()),
  type: v.string(),
  size: v.number(),
  cid: v.nullable(v.string()),
  /** Shown within the message. */
  isInline: v.boolean(),
  isInvitation: v.boolean(),
});
export type Attachment = v.InferOutput<typeof attachmentSchema>;

const viewSchema = v.object({
  id: v.string(),
  html: v.string(),
  css: v.string(),
  isPlain: v.boolean(),
  hasOwnColours: v.boolean(),
  isTruncated: v.boolean(),
  reducedTo: v.nullable(v.picklist(['text', 'none'])),
  hasRemotePictures: v.boolean(),
  remotePictures: v.number(),
  trackingPixels: v.number(),
  misleadingLinks: v.number(),
  attachments: v.array(attachmentSchema),
  authentication: v.nullable(
    v.object({
      server: v.string(),
      results: v.array(
        v.object({ method: v.string(), result: v.string(), properties: v.record(v.string(), v.string()) }),
      ),
    }),
  ),
});
export type MessageView = v.InferOutput<typeof viewSchema>;

export const viewGet = method('EmailView/get', 'mailView', getAnswer(viewSchema));
