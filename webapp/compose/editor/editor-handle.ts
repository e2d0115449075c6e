/** What the window asks of the editor, rich or plain. */
import type { Body } from '../message.ts';
import type { Signature } from '../methods.ts';

export interface EditorHandle {
  body(): Body;
  /** What has been written, without quote and signature. */
  ownText(): string;
  /** In place of the one that is there. Null: none. */
  setSignature(signature: Signature | null): void;
  /** Where the cursor is. The plain editor takes none and says false. */
  insertPicture(picture: { readonly src: string; readonly alt: string }): boolean;
}
