/**
 * CalendarItemRetrievalOption other than iCalendar (exchange-behaviour.md §5.1): the text/calendar part of a meeting
 * message goes, a link to the item in the web app is added to the first body, in each of its forms. The link names
 * the calendar item, not the message, so that it works when a POP3 client has deleted the message.
 */
import { Buffer } from 'node:buffer';
import type { Entity } from '../entity.ts';
import { parameter, protocolParameter } from '../parameters.ts';
import { firstBody, KINDS } from './body-group.ts';
import { type BodyKind, bodyKind, convertibleTree, isCalendar, leafBytes, leafText } from './body-leaves.ts';
import { type CalendarFacts, calendarItemId, readCalendar } from './icalendar.ts';
import { writeMessage } from './message-writer.ts';
import type { Node } from './node.ts';
import { escapeHtml } from './rich-writers.ts';

const LABEL = 'Open this meeting in your web mail';
const PATH = '/calendar/item/';

/** Null: no meeting message, or one that may not be converted. */
export function withCalendarLink(bytes: Buffer, base: string): Buffer | null {
  const root = convertibleTree(bytes);
  if (root === null) return null;
  const meeting = firstMeeting(bytes, root);
  if (meeting === null) return null;
  const address = calendarLink(base, meeting.facts, meeting.source);
  const leaves = new Set<Entity>();
  const body = firstBody(root);
  for (const kind of KINDS) {
    const leaf = body?.variants[kind]?.leaves[0];
    if (leaf !== undefined) leaves.add(leaf);
  }
  const rewriter = new Rewriter(bytes, leaves, address, leaves.size === 0 ? summary(meeting.facts, address) : null);
  return writeMessage(
    bytes,
    root,
    rewriter.node(root) ?? { kind: 'text', subtype: 'plain', text: summary(meeting.facts, address) },
  );
}

/** `source`: the iCalendar text, the name of an item without UID. */
export function calendarLink(base: string, facts: CalendarFacts, source: string): string {
  const id = calendarItemId(facts.uid ?? source, facts.recurrenceId);
  const clean = base
    .toWellFormed()
    .replaceAll(/[^\u0021-\u007e]|["<>\\^`{|}]/gu, (character) => encodeURIComponent(character));
  return `${clean.replace(/\/+$/, '')}${PATH}${id}`;
}

interface Meeting {
  readonly facts: CalendarFacts;
  readonly source: string;
}

function firstMeeting(bytes: Buffer, entity: Entity): Meeting | null {
  if (isCalendar(entity)) {
    const source = leafText(bytes, entity);
    const facts = readCalendar(source);
    return isMeeting(entity, facts) ? { facts, source } : null;
  }
  if (entity.kind !== 'multipart') return null;
  for (const child of entity.children) {
    const found = firstMeeting(bytes, child);
    if (found !== null) return found;
  }
  return null;
}

/** RFC 6047 §2.4: the type says the method; some senders say it in the object alone. */
function isMeeting(entity: Entity, facts: CalendarFacts): boolean {
  return facts.method !== null || parameter(entity.header.parameters, 'method') !== null;
}

function summary(facts: CalendarFacts, address: string): string {
  const lines = [
    facts.summary ?? '',
    facts.start === null ? '' : `When: ${facts.start}`,
    facts.location === null ? '' : `Where: ${facts.location}`,
  ];
  return `${lines.filter((line) => line !== '').join('\n')}\n\n${LABEL}: ${address}\n`.trimStart();
}

class Rewriter {
  readonly #bytes: Buffer;
  readonly #leaves: ReadonlySet<Entity>;
  readonly #address: string;
  /** What stands in place of the first calendar part when there is no text to put the link into. */
  #replacement: string | null;

  constructor(bytes: Buffer, leaves: ReadonlySet<Entity>, address: string, replacement: string | null) {
    this.#bytes = bytes;
    this.#leaves = leaves;
    this.#address = address;
    this.#replacement = replacement;
  }

  /** Null: nothing is left of it. */
  node(entity: Entity): Node | null {
    if (this.#leaves.has(entity)) return this.#linked(entity);
    if (isCalendar(entity) && isMeeting(entity, readCalendar(leafText(this.#bytes, entity)))) {
      const text = this.#replacement;
      this.#replacement = null;
      return text === null ? null : { kind: 'text', subtype: 'plain', text };
    }
    if (entity.kind !== 'multipart') return { kind: 'kept', entity };
    const children: Node[] = [];
    let changed = false;
    for (const child of entity.children) {
      const node = this.node(child);
      if (node === null) changed = true;
      else {
        changed ||= node.kind !== 'kept';
        children.push(node);
      }
    }
    const [only] = children;
    if (!changed) return { kind: 'kept', entity };
    if (only === undefined) return null;
    // Without its calendar an alternative may have nothing left to choose from.
    if (children.length === 1 && entity.header.subtype === 'alternative') return only;
    return { kind: 'refilled', entity, children };
  }

  /** Its content with the link, in its own charset: the link is ASCII. */
  #linked(leaf: Entity): Node {
    const kind = bodyKind(leaf) ?? 'plain';
    const charset = protocolParameter(leaf.header.parameters, 'charset') ?? '';
    if (NOT_OF_ASCII.test(charset)) {
      const text = Buffer.from(leafText(this.#bytes, leaf), 'utf8');
      return { kind: 'text', subtype: kind, text: this.#insert(text, kind).toString('utf8') };
    }
    return { kind: 'changed', entity: leaf, content: this.#insert(leafBytes(this.#bytes, leaf), kind) };
  }

  #insert(content: Buffer, kind: BodyKind): Buffer {
    if (kind === 'html') {
      const at = content.toString('latin1').toLowerCase().lastIndexOf('</body');
      const end = at < 0 ? content.length : at;
      const address = escapeHtml(this.#address);
      const link = Buffer.from(`\r\n<p>${LABEL}: <a href="${address}">${address}</a></p>\r\n`, 'latin1');
      return Buffer.concat([content.subarray(0, end), link, content.subarray(end)]);
    }
    const ends = content.length === 0 || content[content.length - 1] === 10;
    return Buffer.concat([content, Buffer.from(`${ends ? '' : '\r\n'}\r\n${LABEL}: ${this.#address}\r\n`, 'latin1')]);
  }
}

/** Charsets in which ASCII letters are other octets. */
const NOT_OF_ASCII = /^(?:utf-?(?:7|16|32)|ucs|unicode|iso-10646|csucs|cp037|ibm0?37|ebcdic)/i;
