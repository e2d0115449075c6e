/** Writes of move requests and the audit entries they have to leave: the last rows of directory-audit-writes.ts. */
import type { MoveRequest } from '../../src/directory/move-request.ts';
import type { Directory } from '../../src/directory/api.ts';
import { type AuditWorld, changed, created, removed, type Step } from './directory-audit-steps.ts';

/** What servers note of moves they work on: no admin's change, and too often for the log. */
export type MoveBookkeeping =
  | 'moveRequests'
  | 'claimMove'
  | 'reportMove'
  | 'releaseMove'
  | 'openCutOver'
  | 'keepMailbox'
  | 'placeOfMailbox';

type Names = 'addMoveRequest' | 'changeMoveRequest' | 'completeMove' | 'removeMoveRequest';

async function theRequest(directory: Directory): Promise<MoveRequest> {
  const request = (await directory.moveRequests()).at(-1);
  if (request === undefined) throw new Error('the step before made one');
  return request;
}

export function moveWrites(world: AuditWorld): { readonly [K in Names]: Step } {
  return {
    addMoveRequest: {
      run: async (as) => {
        const { id } = await as.addDatabase({
          name: 'DB3',
          server: world.here().server.id,
          engine: 'sqlite',
          location: 'db3',
        });
        await as.addMoveRequest({
          account: world.the('sales').id,
          target: id,
          batchName: '',
          suspendWhenReadyToComplete: false,
          isSuspended: false,
        });
      },
      leaves: [
        created('MailboxDatabase', 'DB3', { Name: 'DB3' }, true),
        created('MoveRequest', 'sales', { SourceDatabase: 'DB1', TargetDatabase: 'DB3', Status: 'Queued' }),
      ],
    },
    changeMoveRequest: {
      run: async (as) => {
        const { id } = await theRequest(as);
        await as.changeMoveRequest(id, { status: 'Suspended' });
        await as.changeMoveRequest(id, { status: 'Queued' });
      },
      leaves: [
        changed('MoveRequest', 'sales', { Status: 'Queued' }, { Status: 'Suspended' }),
        changed('MoveRequest', 'sales', { Status: 'Suspended' }, { Status: 'Queued' }),
      ],
    },
    completeMove: {
      run: async (as) => {
        const claim = await as.claimMove((await theRequest(as)).id, world.here().server.id, Number.MAX_SAFE_INTEGER);
        if (claim === null) throw new Error('a queued move is claimed');
        await as.completeMove(claim, await as.openCutOver(claim), {});
      },
      leaves: [changed('Mailbox', 'sales', { Database: 'DB1' }, { Database: 'DB3' })],
    },
    removeMoveRequest: {
      run: async (as) => as.removeMoveRequest((await theRequest(as)).id),
      leaves: [removed('MoveRequest', 'sales', { Status: 'Completed' })],
    },
  };
}
