/** A mailbox database whose mailboxes are all rendered: sessions of tests need not know where a wish comes from. */
import { RenderedMailboxes } from '../../src/backend/rendering/rendered-mailbox.ts';
import type { RenderingWish } from '../../src/message/render/wish.ts';
import { silentLog } from '../../src/observe/log.ts';
import type { MailboxDatabase } from '../../src/store/api.ts';

export function renderedDatabase(database: MailboxDatabase, wish: RenderingWish): MailboxDatabase {
  const rendered = new RenderedMailboxes();
  return {
    open: async (mailbox) => rendered.of(await database.open(mailbox), wish, silentLog),
    stage: (options) => database.stage(options),
    mailboxes: () => database.mailboxes(),
    standing: (mailbox) => database.standing(mailbox),
    depart: (mailbox) => database.depart(mailbox),
    receive: (mailbox, move) => database.receive(mailbox, move),
    remove: (mailbox) => database.remove(mailbox),
    verify: (mailbox) => database.verify(mailbox),
    close: () => database.close(),
  };
}
