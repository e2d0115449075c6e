/**
 * A message being rendered as a tree of parts: most are taken over from the original as they lie there, some are
 * made. `message-writer.ts` turns the tree into bytes.
 */
import type { Buffer } from 'node:buffer';
import type { Entity } from '../entity.ts';

export type Node =
  /** The original's bytes, header fields and encoding included. */
  | { readonly kind: 'kept'; readonly entity: Entity }
  /** Made text; line ends of any kind. */
  | { readonly kind: 'text'; readonly subtype: 'plain' | 'html' | 'enriched'; readonly text: string }
  /** Header fields of `entity`, but decoded content of its own. */
  | { readonly kind: 'changed'; readonly entity: Entity; readonly content: Buffer }
  /** Binary content; `fields` are whole MIME fields with their line ends, without an encoding. */
  | { readonly kind: 'binary'; readonly fields: string; readonly content: Buffer }
  /** A multipart of the original with other parts in it: header and boundary stay. */
  | { readonly kind: 'refilled'; readonly entity: Entity; readonly children: readonly Node[] }
  /** `parameters` begin with a semicolon. */
  | {
      readonly kind: 'multipart';
      readonly subtype: string;
      readonly parameters: string;
      readonly children: readonly Node[];
    };

/** One part needs no multipart around it. */
export function multipart(subtype: string, children: readonly Node[], parameters = ''): Node {
  const [only] = children;
  return children.length === 1 && only !== undefined ? only : { kind: 'multipart', subtype, parameters, children };
}
