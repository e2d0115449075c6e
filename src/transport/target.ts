/** One of the places a message goes to at the same time: a mailbox database here, or another server. */
import type { Buffer } from 'node:buffer';
import type { MailboxId } from '../store/model.ts';
import type { DeliveryReport } from './api.ts';

export interface Target {
  /**
   * Resolves when more may be written. The chunk is shared with the other targets and never changed.
   * @throws Failure when this server itself cannot take the message (disk, size): nobody gets it
   */
  write(chunk: Buffer): Promise<void> | void;
  /** Resolves when each of its recipients has the message on disk or has a failure. `earlier` have it already. Never rejects. */
  finish(earlier: ReadonlySet<MailboxId>): Promise<DeliveryReport>;
  abort(): Promise<void>;
  /** All targets have finished: `retried` when the client will send the message again, because somebody lacks it. */
  settle(retried: boolean): void;
}
