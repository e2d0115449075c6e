/**
 * MessageRetrievalMimeFormat 0–4 (exchange-behaviour.md §5.2): each body of the message in the forms asked for.
 * A form that is there is kept byte for byte; one that is missing is made from the richest one there is. Pictures
 * of a form that goes, and files between its texts, become attachments; text/calendar stays as an alternative.
 */
import type { Buffer } from 'node:buffer';
import type { Entity } from '../entity.ts';
import { type BodyGroup, bodyGroup, isSequence, KINDS, type Variant } from './body-group.ts';
import { type BodyKind, convertibleTree } from './body-leaves.ts';
import { writeMessage } from './message-writer.ts';
import { multipart, type Node } from './node.ts';
import { convertText } from './text-conversion.ts';
import type { TextFormat } from './wish.ts';

/** Forms of each format, plainest first (RFC 2046 §5.1.4). */
const FORMS = {
  TextOnly: ['plain'],
  HtmlOnly: ['html'],
  HtmlAndTextAlternative: ['plain', 'html'],
  TextEnrichedOnly: ['enriched'],
  TextEnrichedAndTextAlternative: ['plain', 'enriched'],
} as const satisfies Partial<Record<TextFormat, readonly BodyKind[]>>;

export type ConvertedFormat = keyof typeof FORMS;

/** Null: the message has these forms already, or may not be converted. */
export function inTextFormat(bytes: Buffer, format: ConvertedFormat): Buffer | null {
  const root = convertibleTree(bytes);
  if (root === null) return null;
  const node = converted(bytes, root, FORMS[format]);
  return node === null ? null : writeMessage(bytes, root, node);
}

/** Null: unchanged. */
function converted(bytes: Buffer, entity: Entity, forms: readonly BodyKind[]): Node | null {
  const group = bodyGroup(entity);
  if (group !== null) return hasForms(group, forms) ? null : inForms(bytes, group, forms);
  if (!isSequence(entity)) return null;
  // Behind the text for people a report has parts for programs (RFC 6522 §3).
  const last = entity.header.subtype === 'report' ? 1 : entity.children.length;
  let changed = false;
  const children = entity.children.map((child, index): Node => {
    const node = index < last ? converted(bytes, child, forms) : null;
    changed ||= node !== null;
    return node ?? { kind: 'kept', entity: child };
  });
  return changed ? { kind: 'refilled', entity, children } : null;
}

function hasForms(group: BodyGroup, forms: readonly BodyKind[]): boolean {
  return (
    !group.isUnusual &&
    group.attached.length === 0 &&
    KINDS.every((kind) => (group.variants[kind] !== null) === forms.includes(kind))
  );
}

function inForms(bytes: Buffer, group: BodyGroup, forms: readonly BodyKind[]): Node {
  const alternatives = forms.map((kind): Node => {
    const variant = group.variants[kind];
    if (variant !== null) return wholly(bytes, variant.node, kind);
    return { kind: 'text', subtype: kind, text: convertText(bytes, richest(group).leaves, kind) };
  });
  for (const calendar of group.calendars) alternatives.push({ kind: 'kept', entity: calendar });
  const attached = [...group.attached];
  for (const kind of KINDS) if (!forms.includes(kind)) attached.push(...(group.variants[kind]?.attached ?? []));
  const body = multipart('alternative', alternatives);
  // Text among them that is no file stands for itself now, so it gets its forms, too.
  const beside = attached.map((entity) => converted(bytes, entity, forms) ?? ({ kind: 'kept', entity } as const));
  return multipart('mixed', [body, ...beside]);
}

/** A form that is a sequence may have texts of another kind between those of its own. */
function wholly(bytes: Buffer, node: Node, kind: BodyKind): Node {
  if (node.kind !== 'kept' || !isSequence(node.entity)) return node;
  return converted(bytes, node.entity, [kind]) ?? node;
}

/** Made forms come from the one that says most: HTML, then enriched, then plain text. */
function richest(group: BodyGroup): Variant {
  for (const kind of KINDS) {
    const variant = group.variants[kind];
    if (variant !== null) return variant;
  }
  throw new Error('a body group has at least one form');
}
