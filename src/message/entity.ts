/** One MIME entity while its message is scanned: offsets, header facts, children. */
import type { Buffer } from 'node:buffer';
import { type MimeHeader, PLAIN_TEXT } from './mime-header.ts';
import type { ContentType } from './parameters.ts';

/**
 * `message` encloses one message, its only child. `opaque` is a leaf that is not text, or what would nest too
 * deeply. A `multipart` may turn out to have no part.
 */
export type EntityKind = 'text' | 'opaque' | 'multipart' | 'message';

/** Stands for the header until it has been read. */
const NO_HEADER: MimeHeader = {
  ...PLAIN_TEXT,
  id: null,
  description: null,
  encoding: '7bit',
  md5: null,
  disposition: null,
  languages: [],
  location: null,
};

const OCTET_STREAM: ContentType = { type: 'application', subtype: 'octet-stream', parameters: [] };

export class Entity {
  readonly parent: Entity | null;
  readonly headerStart: number;
  /** Levels above; the message itself is 0. */
  readonly depth: number;
  bodyStart: number;
  bodyEnd: number;
  /** LFs in the body; counted for text, enclosed messages and multiparts without parts. */
  lines = 0;
  kind: EntityKind = 'text';
  header: MimeHeader = NO_HEADER;
  readonly children: Entity[] = [];
  /** `(…)` of the message that this entity is, when it is an enclosed one. */
  envelope: Buffer | null = null;
  /** Where the fragment being built has this entity's basic fields: BODY repeats them from BODYSTRUCTURE. */
  basicStart = 0;
  basicEnd = 0;

  constructor(parent: Entity | null, headerStart: number) {
    this.parent = parent;
    this.headerStart = headerStart;
    this.bodyStart = headerStart;
    this.bodyEnd = headerStart;
    this.depth = parent === null ? 0 : parent.depth + 1;
  }

  /** A message of its own: the root, or what message/rfc822 encloses. */
  get isMessage(): boolean {
    return this.parent === null || this.parent.kind === 'message';
  }

  /** RFC 2046 §5.1.5: parts of a digest are messages unless they say otherwise. */
  get inDigest(): boolean {
    return this.parent?.kind === 'multipart' && this.parent.header.subtype === 'digest';
  }

  /**
   * The type as clients are told. A multipart without a part would have no place in the grammar of RFC 9051 §9:
   * it is shown as the text it is. What nests too deeply is shown as bytes.
   */
  get contentType(): ContentType {
    if (this.kind === 'multipart' && this.children.length === 0) return PLAIN_TEXT;
    if (this.kind === 'opaque' && (this.header.type === 'multipart' || enclosesMessage(this.header))) {
      return OCTET_STREAM;
    }
    return this.header;
  }
}

/** RFC 2046 §5.2.1, RFC 6532 §3.7. */
export function enclosesMessage(type: ContentType): boolean {
  return type.type === 'message' && (type.subtype === 'rfc822' || type.subtype === 'global');
}
