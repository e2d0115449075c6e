/**
 * A message that is being written: its fields, the draft that follows them, sending, throwing away, and the ways back.
 * The text is the editor's, which is asked for it when something is stored. Knows no React.
 */
import type { JmapClient } from '../jmap/client.ts';
import { DraftSaver, type SaveState, type StoredDraft } from './draft-saver.ts';
import type { EditorHandle } from './editor/editor-handle.ts';
import { type EmailParts, partsOf } from './email-object.ts';
import { isEmptyMessage, type Message } from './message.ts';
import { movedAttachments } from './moved-attachments.ts';
import { isThere, removeDraft, send, type Sent, storeDraft, storedAttachments, takeBack } from './outbox.ts';
import { type FailureWords, failureWords, SendRefused } from './send-failure.ts';

export interface CompositionState {
  readonly message: Message;
  readonly saveState: SaveState;
  /** Somebody has changed or removed the draft from elsewhere. */
  readonly wasElsewhere: boolean;
  readonly failure: FailureWords | null;
  readonly isSending: boolean;
}

/** What the person is told, and the window does. */
export interface CompositionEvents {
  /** Out of sight, or back: sent or thrown away, and not for good yet. */
  away(isAway: boolean): void;
  /** For good. */
  closed(): void;
  /** `undo` until `gone` is called. */
  sent(sent: {
    readonly message: Message;
    readonly sendAt: number | null;
    readonly undoSeconds: number;
    readonly undo: () => void;
    readonly gone: () => void;
  }): void;
  undoFailed(reason: string | null): void;
  discarded(undo: () => void, gone: () => void): void;
  kept(): void;
}

export type MessageChange = (message: Message) => Partial<Message>;

export class Composition {
  readonly #client: JmapClient;
  readonly #undoSeconds: number;
  readonly #saver: DraftSaver;
  readonly #listeners = new Set<() => void>();
  #state: CompositionState;
  #events: CompositionEvents | null = null;
  #editor: EditorHandle | null = null;
  #isAway = false;

  constructor(
    client: JmapClient,
    begin: { readonly message: Message; readonly stored: StoredDraft | null; readonly undoSeconds: number },
  ) {
    this.#client = client;
    this.#undoSeconds = begin.undoSeconds;
    this.#state = {
      message: begin.message,
      saveState: { kind: 'unchanged' },
      wasElsewhere: false,
      failure: null,
      isSending: false,
    };
    this.#saver = new DraftSaver(
      begin.stored,
      (earlier) => this.#store(earlier),
      (saveState) => this.#set({ saveState }),
    );
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  readonly state = (): CompositionState => this.#state;

  listen(events: CompositionEvents): void {
    this.#events = events;
  }

  get editor(): EditorHandle | null {
    return this.#editor;
  }

  readonly setEditor = (editor: EditorHandle | null): void => {
    this.#editor = editor;
  };

  get stored(): StoredDraft | null {
    return this.#saver.stored;
  }

  /** What would be lost with the page. */
  get isUnsaved(): boolean {
    return this.#saver.isUnsaved && !this.#isAway;
  }

  readonly change = (patch: MessageChange): void => {
    const changed = patch(this.#state.message);
    this.#set({ message: { ...this.#state.message, ...changed } });
    // How far an upload is, is nothing to be stored.
    if (changed.attachments?.some(({ state }) => state.kind === 'uploading') !== true) this.#saver.changed();
  };

  readonly bodyChanged = (): void => this.#saver.changed();

  readonly save = (): void => void this.#saver.save();

  /** The connection is there again. */
  retry(): void {
    if (this.#saver.state.kind === 'failed') void this.#saver.save();
  }

  /** Mail of an account has changed: is it this draft? */
  async look(accountId: string): Promise<void> {
    const { stored } = this.#saver;
    if (stored?.accountId !== accountId || this.#saver.isUnsaved || this.#isAway) return;
    const there = await isThere(this.#client, stored).catch(() => true);
    // Meanwhile a save of our own may have put another one in its place.
    if (!there && this.#saver.stored === stored && !this.#saver.isUnsaved && !this.#isAway)
      this.#set({ wasElsewhere: true });
  }

  /** @param sendAt milliseconds since 1970; null: now */
  async send(sendAt: number | null): Promise<void> {
    if (this.#state.isSending) return;
    this.#set({ isSending: true, failure: null });
    const holdFor = sendAt === null ? this.#undoSeconds : 0;
    const earlier = await this.#saver.stop();
    try {
      const parts = await this.#parts();
      const { message } = this.#state;
      const sent = await send(this.#client, message, parts, { earlier, holdFor, sendAt });
      this.#away(true);
      this.#events?.sent({
        message,
        sendAt,
        undoSeconds: holdFor,
        undo: () => void this.#takeBack(sent),
        gone: () => this.#events?.closed(),
      });
    } catch (error) {
      this.#writeOn(error instanceof SendRefused ? error.stored : earlier);
      this.#set({ failure: failureWords(error) });
    } finally {
      this.#set({ isSending: false });
    }
  }

  /** Keeps the draft. False: it could not be stored, and stays open. */
  async close(): Promise<boolean> {
    if (this.#isNothing()) {
      const stored = await this.#saver.stop();
      this.#events?.closed();
      if (stored !== null) await removeDraft(this.#client, stored).catch(() => false);
      return true;
    }
    if (this.#saver.isUnsaved && !(await this.#saver.save())) return false;
    const isKept = this.#saver.state.kind === 'saved';
    await this.#saver.stop();
    this.#events?.closed();
    if (isKept) this.#events?.kept();
    return true;
  }

  async discard(): Promise<void> {
    const stored = await this.#saver.stop();
    if (stored === null && this.#isNothing()) {
      this.#events?.closed();
      return;
    }
    this.#away(true);
    this.#events?.discarded(
      () => {
        this.#away(false);
        this.#writeOn(stored);
      },
      () => {
        this.#events?.closed();
        if (stored !== null) void removeDraft(this.#client, stored).catch(() => false);
      },
    );
  }

  async #takeBack(sent: Sent): Promise<void> {
    try {
      if (!(await takeBack(this.#client, sent))) {
        this.#events?.undoFailed(null);
        this.#events?.closed();
        return;
      }
      this.#away(false);
      this.#writeOn({ accountId: sent.accountId, emailId: sent.emailId });
    } catch (error) {
      this.#events?.undoFailed(failureWords(error).reason);
      this.#events?.closed();
    }
  }

  #writeOn(stored: StoredDraft | null): void {
    this.#saver.resume(stored);
    this.#saver.changed();
  }

  #away(isAway: boolean): void {
    this.#isAway = isAway;
    this.#events?.away(isAway);
  }

  #isNothing(): boolean {
    return isEmptyMessage(this.#state.message, this.#editor?.ownText() ?? '');
  }

  async #store(earlier: StoredDraft | null): Promise<StoredDraft> {
    const parts = await this.#parts();
    const { message } = this.#state;
    const { stored, wasElsewhere } = await storeDraft(this.#client, message, parts, earlier);
    this.#set({ wasElsewhere });
    if (parts.attachments.length > 0) {
      // The text is stored; files that cannot be named anew are still there as uploads.
      const blobs = await storedAttachments(this.#client, stored, parts.attachments).catch(() => null);
      if (blobs !== null) this.#setBlobs(stored.accountId, blobs);
    }
    return stored;
  }

  async #parts(): Promise<EmailParts> {
    if (this.#editor === null) throw new Error('the editor is not there yet');
    const { sender, attachments } = this.#state.message;
    const moved = await movedAttachments(this.#client, sender.accountId, attachments);
    if (moved.size > 0) this.#setBlobs(sender.accountId, moved);
    return partsOf(this.#editor.body(), this.#state.message.attachments);
  }

  #setBlobs(accountId: string, blobs: ReadonlyMap<string, string>): void {
    const { message } = this.#state;
    const attachments = message.attachments.map((one) => {
      const blobId = blobs.get(one.key);
      return blobId === undefined ? one : { ...one, state: { kind: 'there', accountId, blobId } as const };
    });
    this.#set({ message: { ...message, attachments } });
  }

  #set(patch: Partial<CompositionState>): void {
    this.#state = { ...this.#state, ...patch };
    for (const listener of this.#listeners) listener();
  }
}
