/**
 * SearchSnippet/get (RFC 8621 §5): subject and a piece of the text with the words of the filter in `<mark>`, everything
 * else escaped, so that it can be shown as HTML. Words come from the positive conditions of the filter.
 */
import { Buffer } from 'node:buffer';
import { decodeText } from '../../../message/charset.ts';
import { commonFields, readParts } from '../../../message/fragment.ts';
import { htmlToText } from '../../../message/html-text.ts';
import { decodeTransfer } from '../../../message/transfer-encoding.ts';
import { MethodArguments } from '../arguments.ts';
import type { Method } from '../dispatch.ts';
import { isArray, isObject, type JsonObject, property } from '../json.ts';
import { MethodError } from '../method-error.ts';
import { JMAP_LIMITS } from '../request.ts';
import { bodyTree, flatBody } from './body-parts.ts';
import { accountOf, type MailContext } from './context.ts';
import { inView } from './email-methods.ts';
import { readFilter } from './filter.ts';
import { headerValue } from './header-forms.ts';
import { contentOf } from './ids.ts';
import { MAIL } from './names.ts';
import type { Placement } from './mail-view.ts';
import type { Mailbox } from '../../../store/api.ts';

/** §5: a preview has at most 255 octets before marks and escapes. */
const PREVIEW_OCTETS = 255;
/** Of the text that is looked through: beyond, there is no snippet, though the message matches. */
const TEXT_OCTETS = 256 * 1024;
const WORDS = 20;

interface Words {
  readonly subject: readonly string[];
  readonly body: readonly string[];
}

/** `text` counts for both. What stands under NOT is not there to be marked. */
function wordsOf(filter: JsonObject | null): Words {
  const subject: string[] = [];
  const body: string[] = [];
  const collect = (one: JsonObject): void => {
    const operator = property(one, 'operator');
    const conditions = property(one, 'conditions');
    if (operator !== undefined) {
      if (operator !== 'NOT' && isArray(conditions))
        for (const inner of conditions) if (isObject(inner)) collect(inner);
      return;
    }
    for (const [name, value] of Object.entries(one)) {
      if (typeof value !== 'string' || value.trim() === '') continue;
      if (name === 'subject' || name === 'text') subject.push(value);
      if (name === 'body' || name === 'text') body.push(value);
    }
  };
  if (filter !== null) collect(filter);
  return { subject: subject.slice(0, WORDS), body: body.slice(0, WORDS) };
}

export const searchSnippets: Method<MailContext> = {
  name: 'SearchSnippet/get',
  capability: MAIL,
  run: async ({ context, args: given }) => {
    const args = new MethodArguments(given, ['accountId', 'filter', 'emailIds']);
    const account = await accountOf(context, args);
    const filter = args.object('filter');
    readFilter(filter);
    const words = wordsOf(filter);
    const ids = [...new Set(args.strings('emailIds') ?? [])];
    if (ids.length > JMAP_LIMITS.maxObjectsInGet)
      throw new MethodError('requestTooLarge', `name at most ${JMAP_LIMITS.maxObjectsInGet} ids`);
    return inView(account, async (view) => {
      const placements = view.placements(new Set(ids.map((id) => contentOf(id) ?? 0)));
      const list: JsonObject[] = [];
      const notFound: string[] = [];
      for (const id of ids) {
        const [place] = placements.get(contentOf(id) ?? 0) ?? [];
        if (place === undefined) notFound.push(id);
        else list.push({ emailId: id, ...(await snippet(account.mailbox, place, words)) });
      }
      return { accountId: args.id('accountId'), list, notFound: notFound.length === 0 ? null : notFound };
    });
  },
};

const SUBJECT = { property: 'subject', field: 'subject', form: 'Text', all: false } as const;

async function snippet(mailbox: Mailbox, { view, uid }: Placement, words: Words): Promise<JsonObject> {
  const folder = view.folder.id;
  for await (const { bytes, pieces } of mailbox.fragments(folder, Uint32Array.of(uid), ['details'])) {
    const { offsets, lengths } = pieces.details ?? { offsets: [], lengths: [] };
    if ((lengths[0] ?? 0) === 0) continue;
    const at = offsets[0] ?? 0;
    const subject = headerValue(commonFields(bytes, at), SUBJECT);
    const tree = bodyTree(readParts(bytes, at));
    const part =
      tree === null ? undefined : flatBody(tree).textBody.find((one) => one.part.mediaType.startsWith('text/'));
    const body = part === undefined || words.body.length === 0 ? null : await textOf(mailbox, folder, uid, part.part);
    return {
      subject: typeof subject === 'string' ? marked(subject, words.subject) : null,
      preview: body === null ? null : preview(body, words.body),
    };
  }
  return { subject: null, preview: null };
}

async function textOf(
  mailbox: Mailbox,
  folder: Placement['view']['folder']['id'],
  uid: number,
  part: ReturnType<typeof readParts>[number],
): Promise<string> {
  const end = Math.min(part.bodyEnd, part.bodyStart + TEXT_OCTETS);
  const chunks: Buffer[] = [];
  for await (const chunk of mailbox.read(folder, uid, part.bodyStart, end)) chunks.push(chunk);
  const text = decodeText(decodeTransfer(Buffer.concat(chunks), part.encoding), part.charset);
  return part.mediaType === 'text/html' ? htmlToText(text, TEXT_OCTETS) : text;
}

/** Null: none of the words stands there. */
function preview(text: string, words: readonly string[]): string | null {
  const plain = text.replaceAll(/\s+/g, ' ').trim();
  const first = pattern(words).exec(plain);
  if (first === null) return null;
  let start = Math.max(0, first.index - 60);
  if (start > 0) start = plain.indexOf(' ', start) + 1 || start;
  let piece = plain.slice(Math.min(start, first.index), first.index + PREVIEW_OCTETS);
  while (Buffer.byteLength(piece) > PREVIEW_OCTETS) piece = piece.slice(0, -8);
  return marked(piece.toWellFormed(), words);
}

/** Null: nothing is marked. */
function marked(text: string, words: readonly string[]): string | null {
  if (words.length === 0) return null;
  let html = '';
  let from = 0;
  for (const match of text.matchAll(pattern(words))) {
    html += `${escaped(text.slice(from, match.index))}<mark>${escaped(match[0])}</mark>`;
    from = match.index + match[0].length;
  }
  return from === 0 ? null : html + escaped(text.slice(from));
}

const pattern = (words: readonly string[]): RegExp =>
  new RegExp(
    words
      .toSorted((a, b) => b.length - a.length)
      .map((word) =>
        word
          .trim()
          .replaceAll(/[$()*+./?[\\\]^{|}-]/g, '\\$&')
          .replaceAll(/\s+/g, '\\s+'),
      )
      .join('|'),
    'giu',
  );

const escaped = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
