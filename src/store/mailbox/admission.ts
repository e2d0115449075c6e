/**
 * Who may open a mailbox that a move has to do with (store/moving.ts Standing): nobody before it is whole here, nobody
 * after it has gone, and after a crash in between whoever the directory says.
 */
import { Failure } from '../../observe/failure.ts';
import type { MailboxId } from '../model.ts';
import { MovedAway, type Residence } from '../moving.ts';
import type { Engine } from './engine.ts';

/** Who opens a mailbox at the moment of its switch waits at most so long. */
const SWITCH_MS = 5_000;

/** Refuses a mailbox that a move has taken away or not yet brought; settles what a crash left in between. */
export async function admit(
  engine: Pick<Engine, 'standing' | 'setStanding'>,
  residence: Residence | null,
  mailbox: MailboxId,
): Promise<void> {
  const standing = await engine.standing(mailbox);
  switch (standing?.kind) {
    case undefined:
      return;
    case 'receiving':
      throw new Failure('UNAVAILABLE', 'The mailbox is being moved here; try again later.');
    case 'received':
      if ((await residence?.isHere(mailbox)) !== true)
        throw new Failure('UNAVAILABLE', 'The mailbox is being moved here; try again in a moment.');
      return engine.setStanding(mailbox, null);
    case 'leaving': {
      if (residence === null) throw new Failure('UNAVAILABLE', 'The mailbox is being moved; try again in a moment.');
      const stays = await residence.keepHere(mailbox, standing.move);
      await engine.setStanding(mailbox, stays ? null : { kind: 'moved', move: standing.move, at: Date.now() });
      if (!stays) throw new MovedAway();
      return;
    }
    case 'moved':
      throw new MovedAway();
  }
}

/** A mailbox that is being moved here by this process. */
export class Arriving {
  /** Complete: the directory may name this database any moment. */
  isReceived = false;
  readonly #ended = Promise.withResolvers<boolean>();

  end(): void {
    this.#ended.resolve(true);
  }

  /** Sessions that the switch has sent here come before the target has heard of it: they wait. False: it takes longer. */
  async endsSoon(): Promise<boolean> {
    if (!this.isReceived) return false;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const late = setTimeout(() => resolve(false), SWITCH_MS);
    try {
      return await Promise.race([this.#ended.promise, promise]);
    } finally {
      clearTimeout(late);
    }
  }
}
