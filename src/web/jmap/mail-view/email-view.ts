/**
 * `urn:penfold:params:jmap:mail-view` (ADR 12 §2, §5): `EmailView/get` gives messages ready to be shown. What RFC 8621
 * leaves to clients, decoding, sanitizing, own pictures, quotes, is done once here and in threads, for the web app and for
 * any other client that shows mail in a browser. docs/jmap.md describes the object.
 */
import { Buffer } from 'node:buffer';
import { readAuthenticationResults } from '../../../message/authentication-results.ts';
import { commonFields, readParts } from '../../../message/fragment.ts';
import { findField } from '../../../message/headers.ts';
import type { Part } from '../../../message/model.ts';
import type { Capability, JmapContext } from '../capability.ts';
import { MethodArguments } from '../arguments.ts';
import type { Method } from '../dispatch.ts';
import type { Json, JsonObject } from '../json.ts';
import { partNumber } from '../mail/body-parts.ts';
import { accountOf, type MailContext } from '../mail/context.ts';
import { readRange } from '../mail/email-get.ts';
import { contentOf, emailIdOf } from '../mail/ids.ts';
import { MailView, type Placement } from '../mail/mail-view.ts';
import { stateOf, stateText } from '../mail/state.ts';
import { MethodError } from '../method-error.ts';
import { type Attachment, contentsOf } from './contents.ts';
import { viewOf } from './views.ts';

export const MAIL_VIEW = 'urn:penfold:params:jmap:mail-view';
/** Views in one call: a conversation has a handful that are open. */
export const VIEWS_IN_GET = 20;

const get: Method<MailContext> = {
  name: 'EmailView/get',
  capability: MAIL_VIEW,
  run: async ({ context, args: given, signal }) => {
    const args = new MethodArguments(given, ['accountId', 'ids', 'remotePictures']);
    const { mailbox } = await accountOf(context, args);
    const accountId = args.id('accountId');
    const remotePictures = args.flag('remotePictures');
    const ids = args.ids('ids');
    if (ids === null || ids.length > VIEWS_IN_GET)
      throw new MethodError('requestTooLarge', `name at most ${VIEWS_IN_GET} ids`);
    const view = await MailView.open(mailbox);
    try {
      const state = stateText(stateOf(view, mailbox.folders()));
      const placements = view.placements(new Set(ids.map((id) => contentOf(id) ?? 0)));
      const list: JsonObject[] = [];
      const notFound: string[] = [];
      for (const id of new Set(ids)) {
        signal.throwIfAborted();
        const content = contentOf(id);
        const [place] = (content === null ? undefined : placements.get(content)) ?? [];
        const details = place === undefined ? null : await detailsOf(view, place);
        if (content === null || place === undefined || details === null) notFound.push(id);
        else list.push(await emailView(view, { accountId, content, place, details, remotePictures }));
      }
      return { accountId, state, list, notFound };
    } finally {
      view.close();
    }
  },
};

export const mailViewMethods: readonly Method<MailContext>[] = [get];

export const mailViewCapability: Capability = {
  uri: MAIL_VIEW,
  describe: () => Promise.resolve({ maxObjectsInGet: VIEWS_IN_GET }),
  describeAccount: () => Promise.resolve({}),
  methods: mailViewMethods satisfies readonly Method<JmapContext>[],
};

interface Wanted {
  readonly accountId: string;
  readonly content: number;
  readonly place: Placement;
  readonly details: Buffer;
  readonly remotePictures: boolean;
}

async function emailView({ mailbox }: MailView, wanted: Wanted): Promise<JsonObject> {
  const { accountId, content, place, details, remotePictures } = wanted;
  const { bodies, attachments, ownPictures, isTruncated } = await contentsOf(
    content,
    readParts(details, 0),
    (from, to) => readRange(mailbox, place.view.folder.id, place.uid, from, to),
    (blobId, part) => downloadAddress(accountId, blobId, part),
  );
  const view = await viewOf(bodies, { remotePictures, ownPictures });
  return {
    id: emailIdOf(content),
    html: view.html,
    css: view.css,
    isPlain: view.isPlain,
    hasOwnColours: view.hasOwnColours,
    isTruncated,
    reducedTo: view.reducedTo,
    hasRemotePictures: view.remotePictures > 0,
    remotePictures: view.remotePictures,
    trackingPixels: view.trackingPixels,
    misleadingLinks: view.misleadingLinks,
    attachments: attachments.map((one) => attachmentObject(one, view.usedPictures)),
    authentication: authenticationObject(commonFields(details, 0)),
  };
}

/** A copy: the batch's buffer is used again. Null: it is gone meanwhile. */
async function detailsOf({ mailbox }: MailView, { view, uid }: Placement): Promise<Buffer | null> {
  for await (const { bytes, pieces } of mailbox.fragments(view.folder.id, Uint32Array.of(uid), ['details'])) {
    const start = pieces.details?.offsets[0] ?? 0;
    const length = pieces.details?.lengths[0] ?? 0;
    if (length > 0) return Buffer.from(bytes.subarray(start, start + length));
  }
  return null;
}

/** The session's downloadUrl, filled in (RFC 8620 §6.2). */
const downloadAddress = (accountId: string, blobId: string, { fileName, mediaType }: Part): string =>
  `/jmap/download/${accountId}/${blobId}/${encodeURIComponent((fileName ?? 'picture').toWellFormed()).replaceAll(/[!'()*]/g, percent)}?type=${encodeURIComponent(mediaType)}`;
const percent = (character: string): string => `%${character.charCodeAt(0).toString(16)}`;

const attachmentObject = (
  { part, blobId, cid, size, isInvitation, names, isShown }: Attachment,
  used: ReadonlySet<string>,
): JsonObject => ({
  partId: partNumber(part),
  blobId,
  name: part.fileName,
  type: part.mediaType,
  size,
  cid,
  isInline: isShown || names.some((name) => used.has(name)),
  isInvitation,
});

/** What the server says of it that took the message in last. */
function authenticationObject(header: Buffer): Json {
  const field = findField(header, 'authentication-results');
  if (field === null) return null;
  const read = readAuthenticationResults(header.toString('utf8', field.valueStart, field.end));
  if (read === null) return null;
  return {
    server: read.server,
    results: read.results.map(({ method, result, properties }) => ({
      method,
      result,
      properties: Object.fromEntries(properties),
    })),
  };
}
