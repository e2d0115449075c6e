/**
 * What the server that holds a mailbox does for JMAP, as the server that took the request sees it: in one process a
 * call (local-back-end.ts), between servers HTTP on the back-end port (../relay). Nothing here knows which.
 */
import type { Buffer } from 'node:buffer';
import type { Account } from '../../../directory/model.ts';
import type { States } from '../capability.ts';
import type { JmapRequest } from '../request.ts';
import type { Caller } from './caller.ts';
import type { WantedRange } from './ranges.ts';

interface Ask {
  readonly caller: Caller;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

export interface ApiCall extends Ask {
  /** Whose mailbox it is about: opened before the first call runs. Null: about none. */
  readonly owner: Account | null;
  readonly request: JmapRequest;
  /** The same as it came. */
  readonly text: Buffer;
  readonly sessionState: string;
}

export interface UploadCall extends Ask {
  readonly owner: Account;
  readonly type: string;
  /** Begun to be read when the mailbox is known to be here. */
  readonly body: AsyncIterable<Buffer>;
}

export interface Uploaded {
  readonly blobId: string;
  readonly size: number;
}

export interface DownloadCall extends Ask {
  readonly owner: Account;
  readonly blobId: string;
  /** Null: all. */
  readonly range: WantedRange | null;
  /** False: only the facts (HEAD). */
  readonly wantsBody: boolean;
}

export interface Download {
  /** Of the whole; null: not known before it is decoded. */
  readonly size: number | null;
  /** What `bytes` are of it; null: all. */
  readonly range: { readonly start: number; readonly end: number } | null;
  readonly bytes: AsyncIterable<Buffer>;
  /** To be called once, read or not. */
  close(): void;
}

export interface FollowCall {
  readonly caller: Caller;
  readonly owner: Account;
  /** Id of the stream, for logs and the list of sessions. */
  readonly session: string;
  /** States that are not the ones told before. */
  changed(states: States): void;
  /** It follows no more: the mailbox is on its way elsewhere, a right is gone, an admin has ended it. */
  ended(): void;
}

export interface Following {
  /** At the beginning. */
  readonly states: States;
  close(): void;
}

/**
 * Each call fails with UNAVAILABLE (OwnedElsewhere among it) only when it has not begun: it may be made elsewhere.
 * What may have been done, though no answer came, is OutcomeUnknown (frontend/places.ts).
 */
export interface JmapBackEnd {
  readonly isDown?: boolean;
  /** The Response object as JSON text, in pieces. @throws Failure */
  api(call: ApiCall): Promise<AsyncIterable<Buffer>>;
  /** @throws Failure TOOBIG, OVERQUOTA, NOPERM */
  upload(call: UploadCall): Promise<Uploaded>;
  /** Null: there is no such blob for him. @throws RangeRefused */
  download(call: DownloadCall): Promise<Download | null>;
  /** @throws Failure AUTHORIZATIONFAILED, LIMIT */
  follow(call: FollowCall): Promise<Following>;
}
