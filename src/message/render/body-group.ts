/**
 * One body in all its forms: what stands inside a multipart/alternative, with the pictures of its multipart/related
 * (RFC 2046 §5.1.4, RFC 2387), or a lone text part. Formats choose from it what they want; parts that no chosen
 * form carries are named, so that nothing is lost.
 */
import type { Entity } from '../entity.ts';
import { protocolParameter } from '../parameters.ts';
import { type BodyKind, bodyKind, isCalendar } from './body-leaves.ts';
import { multipart, type Node } from './node.ts';

export interface Variant {
  readonly node: Node;
  /** Its text, in order; not empty. */
  readonly leaves: readonly Entity[];
  /** Parts that only this form shows: pictures, files between its texts. */
  readonly attached: readonly Entity[];
}

export interface BodyGroup {
  readonly variants: Readonly<Record<BodyKind, Variant | null>>;
  /** text/calendar parts: no form of the body, but what a client acts on. */
  readonly calendars: readonly Entity[];
  /** Parts of an alternative that are no text. */
  readonly attached: readonly Entity[];
  /** There are more forms than the three (text/x-amp-html), or an alternative of one. */
  readonly isUnusual: boolean;
}

type Variants = Record<BodyKind, Variant | null>;

export const KINDS = ['html', 'enriched', 'plain'] as const satisfies readonly BodyKind[];

/** Null: there is no text in it, or it is no body at all. */
export function bodyGroup(entity: Entity): BodyGroup | null {
  const kind = bodyKind(entity);
  if (kind !== null) {
    const variant: Variant = { node: { kind: 'kept', entity }, leaves: [entity], attached: [] };
    return { variants: { ...NOTHING, [kind]: variant }, calendars: [], attached: [], isUnusual: false };
  }
  if (entity.kind !== 'multipart') return null;
  switch (entity.header.subtype) {
    case 'alternative':
      return ofAlternative(entity);
    case 'related':
      return ofRelated(entity);
    default:
      return null;
  }
}

const NOTHING: Readonly<Variants> = { plain: null, html: null, enriched: null };

function ofAlternative(entity: Entity): BodyGroup | null {
  const variants: Variants = { ...NOTHING };
  const calendars: Entity[] = [];
  const attached: Entity[] = [];
  let isUnusual = entity.children.length === 1;
  for (const child of entity.children) {
    if (isCalendar(child)) {
      calendars.push(child);
      continue;
    }
    const inner = bodyGroup(child) ?? ofSequence(child);
    if (inner === null) {
      if (child.kind === 'text' && child.header.disposition?.kind !== 'attachment') isUnusual = true;
      else attached.push(child);
      continue;
    }
    for (const kind of KINDS) {
      const variant = inner.variants[kind];
      if (variant === null) continue;
      // Of two forms of one kind the first is shown; what the other one carries is not lost.
      if (variants[kind] === null) variants[kind] = variant;
      else {
        isUnusual = true;
        attached.push(...variant.attached);
      }
    }
    calendars.push(...inner.calendars);
    attached.push(...inner.attached);
    isUnusual ||= inner.isUnusual;
  }
  if (KINDS.every((kind) => variants[kind] === null)) return null;
  return { variants, calendars, attached, isUnusual };
}

/** RFC 2387 §3.2: the root is named by `start`, else the first part. */
function ofRelated(entity: Entity): BodyGroup | null {
  const start = protocolParameter(entity.header.parameters, 'start');
  const root = entity.children.find((child) => start !== null && child.header.id === start) ?? entity.children[0];
  const inner = root === undefined ? null : bodyGroup(root);
  if (root === undefined || inner === null) return null;
  const rest = entity.children.filter((child) => child !== root);
  const kind = KINDS.find((candidate) => inner.variants[candidate] !== null);
  const variant = kind === undefined ? null : inner.variants[kind];
  if (kind === undefined || variant === null) return null;
  const node: Node =
    variant.leaves[0] === root
      ? { kind: 'kept', entity }
      : multipart('related', [variant.node, ...rest.map((kept): Node => ({ kind: 'kept', entity: kept }))]);
  return {
    ...inner,
    variants: { ...inner.variants, [kind]: { node, leaves: variant.leaves, attached: [...variant.attached, ...rest] } },
  };
}

/** A form that is a sequence of its own: text, file, text (Apple Mail). It counts as the richest kind in it. */
function ofSequence(entity: Entity): BodyGroup | null {
  if (entity.kind !== 'multipart' || entity.header.subtype !== 'mixed') return null;
  const inner = entity.children.map((child) => ({ child, group: bodyGroup(child) }));
  const kind = KINDS.find((candidate) => inner.some(({ group }) => (group?.variants[candidate] ?? null) !== null));
  if (kind === undefined) return null;
  const leaves: Entity[] = [];
  const attached: Entity[] = [];
  const calendars: Entity[] = [];
  for (const { child, group } of inner) {
    if (group === null) {
      attached.push(child);
      continue;
    }
    const chosen = KINDS.map((candidate) => group.variants[candidate]).find((variant) => variant !== null);
    leaves.push(...(chosen?.leaves ?? []));
    attached.push(...group.attached, ...KINDS.flatMap((candidate) => group.variants[candidate]?.attached ?? []));
  }
  const variant: Variant = { node: { kind: 'kept', entity }, leaves, attached };
  return { variants: { ...NOTHING, [kind]: variant }, calendars, attached: [], isUnusual: false };
}

/** Multiparts whose parts are shown one after the other; each text in them is a body of its own. */
export function isSequence(entity: Entity): boolean {
  return entity.kind === 'multipart' && SEQUENCES.has(entity.header.subtype);
}
/** RFC 2046 §5.1.3, §5.1.6; a report begins with text for people (RFC 6522 §3). */
const SEQUENCES = new Set(['mixed', 'parallel', 'report', 'voice-message']);

/** The first body of the message: what a reader sees first. */
export function firstBody(entity: Entity): BodyGroup | null {
  const group = bodyGroup(entity);
  if (group !== null || !isSequence(entity)) return group;
  for (const child of entity.children) {
    const inner = firstBody(child);
    if (inner !== null) return inner;
  }
  return null;
}
