/**
 * The body of a message as a tree of parts and as three flat lists (RFC 8621 §4.1.4): what is read as text, what as
 * HTML, what is attached. Works on the parts table that delivery made; an enclosed message is one leaf. Pure.
 */
import type { Part } from '../../../message/model.ts';

/** A MIME entity with what it contains. */
export interface BodyPart {
  readonly part: Part;
  /** Null: not a multipart. */
  readonly children: readonly BodyPart[] | null;
}

export interface FlatBody {
  readonly textBody: readonly BodyPart[];
  readonly htmlBody: readonly BodyPart[];
  readonly attachments: readonly BodyPart[];
}

const isMultipart = (part: Part): boolean => part.mediaType.startsWith('multipart/');
const isMedia = (type: string): boolean => /^(image|audio|video)\//.test(type);

/** `parts`: all entities, parents before children, in the order of their bytes. Null: there is none. */
export function bodyTree(parts: readonly Part[]): BodyPart | null {
  let at = 0;
  const next = (): BodyPart => {
    const part = parts[at]!;
    at += 1;
    if (!isMultipart(part)) {
      // What an enclosed message holds is the business of whoever opens it.
      while (at < parts.length && parts[at]!.headerStart < part.bodyEnd && parts[at]!.headerStart >= part.bodyStart)
        at += 1;
      return { part, children: null };
    }
    const children: BodyPart[] = [];
    while (at < parts.length && parts[at]!.headerStart >= part.bodyStart && parts[at]!.headerStart < part.bodyEnd)
      children.push(next());
    return { part, children };
  };
  return parts.length === 0 ? null : next();
}

/** Every part of the tree, the tree itself first. */
export function everyPart(tree: BodyPart): readonly BodyPart[] {
  return [tree, ...(tree.children ?? []).flatMap(everyPart)];
}

/** Number of the part within its message, as IMAP counts: it names the part to the client (`partId`). */
export const partNumber = (part: Part): string => (part.path.length === 0 ? '1' : part.path.join('.'));

export function flatBody(tree: BodyPart): FlatBody {
  const textBody: BodyPart[] = [];
  const htmlBody: BodyPart[] = [];
  const attachments: BodyPart[] = [];
  sortParts([tree], 'mixed', false, { textBody, htmlBody, attachments });
  return { textBody, htmlBody, attachments };
}

interface Lists {
  readonly textBody: BodyPart[] | null;
  readonly htmlBody: BodyPart[] | null;
  readonly attachments: BodyPart[];
}

/** The algorithm of §4.1.4, its names kept: a list that is null takes nothing in any more. */
function sortParts(parts: readonly BodyPart[], multipartType: string, inAlternative: boolean, lists: Lists): void {
  let { textBody, htmlBody } = lists;
  const { attachments } = lists;
  const textLength = textBody?.length ?? -1;
  const htmlLength = htmlBody?.length ?? -1;
  for (const [index, one] of parts.entries()) {
    const { part, children } = one;
    const type = part.mediaType;
    if (children !== null) {
      const subtype = type.slice(type.indexOf('/') + 1);
      sortParts(children, subtype, inAlternative || subtype === 'alternative', { textBody, htmlBody, attachments });
      continue;
    }
    if (!isInline(part, index, multipartType)) {
      attachments.push(one);
      continue;
    }
    if (multipartType === 'alternative') {
      if (type === 'text/plain') textBody?.push(one);
      else if (type === 'text/html') htmlBody?.push(one);
      else attachments.push(one);
      continue;
    }
    if (inAlternative) {
      if (type === 'text/plain') htmlBody = null;
      if (type === 'text/html') textBody = null;
    }
    textBody?.push(one);
    htmlBody?.push(one);
    if ((textBody === null || htmlBody === null) && isMedia(type)) attachments.push(one);
  }
  if (multipartType !== 'alternative' || textBody === null || htmlBody === null) return;
  // Only one of the two was found: it serves for both.
  const text = textBody.slice(textLength);
  const html = htmlBody.slice(htmlLength);
  if (text.length === 0 && html.length > 0) textBody.push(...html);
  if (html.length === 0 && text.length > 0) htmlBody.push(...text);
}

function isInline(part: Part, index: number, multipartType: string): boolean {
  const type = part.mediaType;
  if (part.disposition === 'attachment') return false;
  if (type !== 'text/plain' && type !== 'text/html' && !isMedia(type)) return false;
  // Of multipart/related only the first is the body; a text with a file name behind the first is an attachment.
  return index === 0 || (multipartType !== 'related' && (isMedia(type) || part.fileName === null));
}
