/** Move requests (directory/move-request.ts): who may change what, and that a switch and a source that goes on exclude each other. */
import assert from 'node:assert/strict';
import { beforeEach, describe, test, afterEach } from 'node:test';
import type { Directory } from '../../src/directory/api.ts';
import type { MoveRequest } from '../../src/directory/move-request.ts';
import { type Account, type DatabaseId, serverId } from '../../src/directory/model.ts';
import {
  type DirectoryUnderTest,
  type OpenDirectory,
  person,
  type SmallOrganization,
  smallOrganization,
} from './directory-fixture.ts';
import { failure } from './store-fixture.ts';

const FAR = Number.MAX_SAFE_INTEGER;

export function directoryMovesConformance(name: string, open: OpenDirectory): void {
  describe(`${name} directory: moves`, () => {
    let under: DirectoryUnderTest;
    let directory: Directory;
    let here: SmallOrganization;
    let account: Account;
    let target: DatabaseId;

    beforeEach(async () => {
      under = await open();
      directory = under.directory;
      here = await smallOrganization(directory);
      account = await directory.addAccount(person(here.database, 'mia'));
      target = (await directory.addDatabase({ name: 'DB9', server: here.server.id, engine: 'sqlite', location: 'db9' }))
        .id;
    });
    afterEach(() => under.close());

    const ask = (isSuspended = false): Promise<MoveRequest> =>
      directory.addMoveRequest({
        account: account.id,
        target,
        batchName: 'spring',
        suspendWhenReadyToComplete: false,
        isSuspended,
      });
    const claim = async (id: string): Promise<MoveRequest> => {
      const claimed = await directory.claimMove(id, here.server.id, FAR);
      assert.ok(claimed);
      return claimed;
    };
    const mailbox = () => account.mailbox?.id ?? assert.fail('has a mailbox');

    test('a request is kept as it was made, one for a mailbox, and not for where it lies already', async () => {
      const made = await ask();
      assert.deepEqual(await directory.moveRequests(), [made]);
      assert.equal(made.status, 'Queued');
      assert.equal(made.source, here.database);
      await assert.rejects(ask(), failure('ALREADYEXISTS'));
      await directory.removeMoveRequest(made.id);
      await assert.rejects(
        directory.addMoveRequest({ ...made, target: here.database, isSuspended: false }),
        failure('CANNOT'),
      );
      assert.deepEqual(await directory.moveRequests(), []);
    });

    test('a claim is one server’s until it falls silent; a later one takes the move away', async () => {
      const { id } = await ask();
      const first = await claim(id);
      const other = serverId('another server');
      assert.equal(await directory.claimMove(id, other, FAR), null);
      await directory.reportMove(first, { untilMs: 1, status: 'InProgress', progress: { contents: 7, message: 'x' } });
      const second = await directory.claimMove(id, other, FAR);
      assert.ok(second);
      assert.equal(second.progress.contents, 7);
      assert.equal(second.progress.message, 'x');
      await assert.rejects(directory.reportMove(first, { untilMs: FAR }), failure('INUSE'));
      await assert.rejects(directory.openCutOver(first), failure('INUSE'));
      await directory.releaseMove(second);
      assert.ok(await directory.claimMove(id, here.server.id, FAR));
    });

    test('the switch needs the cut-over that is open, and happens once', async () => {
      const { id } = await ask();
      const claimed = await claim(id);
      await assert.rejects(directory.completeMove(claimed, 1, {}), failure('CANNOT'));
      const former = await directory.openCutOver(claimed);
      const token = await directory.openCutOver(claimed);
      await assert.rejects(directory.completeMove(claimed, former, {}), failure('CANNOT'));
      assert.equal(await directory.placeOfMailbox(mailbox()), here.database);
      await directory.completeMove(claimed, token, { lockedMs: 5 });
      assert.equal(await directory.placeOfMailbox(mailbox()), target);
      assert.equal((await directory.account(account.id))?.mailbox?.database, target);
      const [done] = await directory.moveRequests();
      assert.equal(done?.status, 'Completed');
      assert.equal(done?.progress.lockedMs, 5);
      await assert.rejects(directory.completeMove(claimed, token, {}), failure('CANNOT'));
      assert.equal(await directory.keepMailbox(mailbox(), here.database), false, 'the source learns of it');
    });

    test('a source that goes on by itself ends the cut-over', async () => {
      const { id } = await ask();
      const claimed = await claim(id);
      const token = await directory.openCutOver(claimed);
      assert.equal(await directory.keepMailbox(mailbox(), here.database), true);
      await assert.rejects(directory.completeMove(claimed, token, {}), failure('CANNOT'));
      assert.equal(await directory.placeOfMailbox(mailbox()), here.database);
      await directory.completeMove(claimed, await directory.openCutOver(claimed), {});
    });

    test('a suspended move stands still, a resumed one begins without its failures, a completed one stays', async () => {
      const { id } = await ask();
      const claimed = await claim(id);
      await directory.reportMove(claimed, { untilMs: FAR, progress: { failures: 3, retryAt: FAR, message: 'away' } });
      await directory.changeMoveRequest(id, { status: 'Suspended' });
      await assert.rejects(directory.reportMove(claimed, { untilMs: FAR }), failure('CANNOT'));
      await assert.rejects(directory.openCutOver(claimed), failure('CANNOT'));
      assert.equal(await directory.claimMove(id, here.server.id, FAR), null);
      const { progress } = await directory.changeMoveRequest(id, { status: 'Queued' });
      assert.deepEqual([progress.failures, progress.retryAt, progress.message], [0, 0, '']);
      const again = await claim(id);
      const token = await directory.openCutOver(again);
      await assert.rejects(directory.removeMoveRequest(id), failure('INUSE'));
      await directory.completeMove(again, token, {});
      await assert.rejects(directory.changeMoveRequest(id, { status: 'Suspended' }), failure('CANNOT'));
      await directory.removeMoveRequest(id);
      await assert.rejects(directory.reportMove(again, { untilMs: FAR }), failure('NONEXISTENT'));
    });

    test('a mailbox that lost its account meanwhile is not switched', async () => {
      const { id } = await ask();
      const claimed = await claim(id);
      const token = await directory.openCutOver(claimed);
      await directory.changeAccount(account.id, { mailbox: null });
      await assert.rejects(directory.completeMove(claimed, token, {}), failure('CANNOT'));
      assert.equal(await directory.placeOfMailbox(mailbox()), null);
      assert.equal(await directory.keepMailbox(mailbox(), here.database), true, 'its mail stays for its retention');
      await directory.removeAccount(account.id);
      assert.deepEqual(await directory.moveRequests(), []);
    });

    test('a new request is announced', async () => {
      const told = Promise.withResolvers<string | null>();
      const stop = directory.watch((change) => {
        if (change.kind === 'move-request') told.resolve(change.id);
      });
      const { id } = await ask(true);
      assert.equal(await told.promise, id);
      stop();
      assert.equal(await directory.claimMove(id, here.server.id, FAR), null, 'it was made suspended');
    });
  });
}
