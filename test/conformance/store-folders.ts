/** Folder tree: names, defaults, create, rename, remove, subscriptions. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FOLDER_DEPTH, FOLDER_NAME_BYTES, FOLDERS_PER_MAILBOX } from '../../src/wire/limits.ts';
import { append, assertClean, failure, inboxOf, message, type OpenStore, uidsIn, withStore } from './store-fixture.ts';

export function folderConformance(name: string, open: OpenStore): void {
  describe(`${name}: folders`, () => {
    test('a new mailbox has its default folders', () =>
      withStore(open, async (_, mailbox) => {
        const uses = mailbox
          .folders()
          .map((folder) => [folder.name, folder.specialUse, folder.kind, folder.subscribed]);
        assert.deepEqual(uses, [
          ['INBOX', 'inbox', 'mail', true],
          ['Drafts', 'drafts', 'mail', true],
          ['Sent', 'sent', 'mail', true],
          ['Trash', 'trash', 'mail', true],
          ['Junk', 'junk', 'mail', true],
          ['Archive', 'archive', 'mail', true],
          ['Calendar', 'calendar', 'calendar', false],
          ['Contacts', 'contacts', 'contacts', false],
          ['Recoverable Items', 'recoverable', 'recoverable', false],
        ]);
        assert.equal(mailbox.folderByUse('recoverable')?.hidden, true);
        const validities = new Set(mailbox.folders().map((folder) => folder.uidValidity));
        assert.equal(validities.size, mailbox.folders().length);
      }));

    test('names are found exactly, INBOX in any case', () =>
      withStore(open, async (_, mailbox) => {
        await mailbox.createFolder('INBOX/Lists');
        await mailbox.createFolder('Cafe\u0301');
        assert.equal(mailbox.folderByName('inbox')?.name, 'INBOX');
        assert.equal(mailbox.folderByName('iNbOx/Lists')?.name, 'INBOX/Lists');
        assert.equal(mailbox.folderByName('INBOX/lists'), null);
        assert.equal(mailbox.folderByName('drafts'), null);
        assert.equal(mailbox.folderByName('Café')?.name, 'Café', 'kept and found in NFC');
      }));

    for (const [what, bad, code] of [
      ['empty', '', 'CANNOT'],
      ['an empty level', 'a//b', 'CANNOT'],
      ['a leading separator', '/a', 'CANNOT'],
      ['a control character', 'a\u0007', 'CANNOT'],
      ['a C1 control', 'a\u0085', 'CANNOT'],
      ['half a surrogate pair', 'a\ud800', 'CANNOT'],
      ['too long', 'a'.repeat(FOLDER_NAME_BYTES + 1), 'LIMIT'],
      ['too long in UTF-8', 'ä'.repeat(FOLDER_NAME_BYTES / 2 + 1), 'LIMIT'],
      ['too deep', Array.from({ length: FOLDER_DEPTH + 1 }, () => 'a').join('/'), 'LIMIT'],
      ['taken', 'Drafts', 'ALREADYEXISTS'],
      ['taken in other letters', 'dRAFTS', 'ALREADYEXISTS'],
      ['INBOX', 'Inbox', 'ALREADYEXISTS'],
    ] as const) {
      test(`a name that is ${what} is refused`, () =>
        withStore(open, async (_, mailbox) => {
          const before = mailbox.folders().length;
          await assert.rejects(mailbox.createFolder(bad), failure(code));
          assert.equal(mailbox.folders().length, before);
        }));
    }

    test('the longest and the deepest name are allowed, parents are created in the case that exists', () =>
      withStore(open, async ({ reopen }, mailbox) => {
        await mailbox.createFolder('b'.repeat(FOLDER_NAME_BYTES));
        await mailbox.createFolder(Array.from({ length: FOLDER_DEPTH }, () => 'a').join('/'));
        assert.ok(mailbox.folderByName('a/a/a'));
        const child = await mailbox.createFolder('drafts/2026/May');
        assert.equal(child.name, 'Drafts/2026/May');
        const names = mailbox.folders().map((folder) => folder.name);
        const again = await (await reopen()).open(mailbox.id);
        assert.deepEqual(
          again.folders().map((folder) => folder.name),
          names,
        );
      }));

    test('a name used again gets a higher UIDVALIDITY and a new id', () =>
      withStore(open, async ({ reopen }, mailbox) => {
        const first = await mailbox.createFolder('Projects');
        await mailbox.removeFolder(first.id);
        const again = await (await reopen()).open(mailbox.id);
        const second = await again.createFolder('Projects');
        assert.ok(second.uidValidity > first.uidValidity);
        assert.notEqual(second.id, first.id);
      }));

    test('rename takes the inferiors and the subscriptions along', () =>
      withStore(open, async (_, mailbox) => {
        const a = await mailbox.createFolder('A', { subscribed: true });
        const c = await mailbox.createFolder('A/B/C', { subscribed: true });
        const renamed = await mailbox.changeFolder(a.id, { name: 'X/Y' });
        assert.equal(renamed.name, 'X/Y');
        assert.equal(renamed.uidValidity, a.uidValidity);
        assert.equal(mailbox.folder(c.id)?.name, 'X/Y/B/C');
        assert.ok(mailbox.folderByName('X'), 'the missing parent was created');
        assert.equal(mailbox.folderByName('A'), null);
        assert.deepEqual([...mailbox.subscribedNames()].filter((name) => name.startsWith('X')).sort(), [
          'X/Y',
          'X/Y/B/C',
        ]);
        await assert.rejects(mailbox.changeFolder(a.id, { name: 'X/Y/Z' }), failure('CANNOT'));
        await assert.rejects(mailbox.changeFolder(a.id, { name: 'sent' }), failure('ALREADYEXISTS'));
        assert.equal((await mailbox.changeFolder(a.id, { name: 'x/y' })).name, 'X/y', 'only its case may change');
        assert.equal(mailbox.folder(c.id)?.name, 'X/y/B/C');
      }));

    test('renaming INBOX moves its messages and leaves it and its inferiors', () =>
      withStore(open, async ({ database }, mailbox) => {
        const inbox = inboxOf(mailbox);
        const child = await mailbox.createFolder('INBOX/Child');
        await append(database, mailbox, inbox, message('one'));
        await append(database, mailbox, inbox, message('two'), { flags: 1, keywords: ['$Work'] });
        const old = await mailbox.changeFolder(inbox, { name: 'Old mail' });
        assert.notEqual(old.id, inbox);
        assert.equal(old.exists, 2);
        assert.equal(old.unseen, 1);
        assert.deepEqual(old.keywords, ['$Work']);
        assert.equal(mailbox.folder(inbox)?.exists, 0);
        assert.equal(mailbox.folder(child.id)?.name, 'INBOX/Child');
        await assertClean(database, mailbox);
      }));

    test('removal keeps inferiors and puts the messages into recoverable items', () =>
      withStore(open, async ({ database }, mailbox) => {
        const folder = await mailbox.createFolder('P');
        const child = await mailbox.createFolder('P/Q');
        await append(database, mailbox, folder.id, message('kept'));
        await mailbox.removeFolder(folder.id);
        assert.equal(mailbox.folder(folder.id), null);
        assert.equal(mailbox.folder(child.id)?.name, 'P/Q');
        assert.equal(mailbox.folderByUse('recoverable')?.exists, 1);
        await assert.rejects(mailbox.view(folder.id), failure('NONEXISTENT'));
        await assert.rejects(mailbox.removeFolder(folder.id), failure('NONEXISTENT'));
        await assertClean(database, mailbox);
      }));

    test('INBOX, default folders and their parents stay', () =>
      withStore(open, async (_, mailbox) => {
        for (const use of [
          'inbox',
          'drafts',
          'sent',
          'trash',
          'junk',
          'calendar',
          'contacts',
          'recoverable',
        ] as const) {
          const folder = mailbox.folderByUse(use);
          assert.ok(folder);
          await assert.rejects(mailbox.removeFolder(folder.id), failure('CANNOT'), use);
        }
        const sent = mailbox.folderByUse('sent');
        assert.ok(sent);
        await mailbox.changeFolder(sent.id, { name: 'Mail/Sent' });
        const parent = mailbox.folderByName('Mail');
        assert.ok(parent);
        await assert.rejects(mailbox.removeFolder(parent.id), failure('CANNOT'));
      }));

    test('special uses are unique', () =>
      withStore(open, async (_, mailbox) => {
        await assert.rejects(mailbox.createFolder('Sent 2', { specialUse: 'sent' }), failure('CANNOT'));
        const archive = mailbox.folderByUse('archive');
        assert.ok(archive);
        await mailbox.changeFolder(archive.id, { specialUse: null });
        const other = await mailbox.createFolder('Keep', { specialUse: 'archive' });
        assert.equal(mailbox.folderByUse('archive')?.id, other.id);
      }));

    test('names may be subscribed that are no folder, and stay subscribed', () =>
      withStore(open, async ({ reopen }, mailbox) => {
        await mailbox.subscribeName('Later/On', true);
        await mailbox.subscribeName('sent', false);
        assert.ok(mailbox.subscribedNames().includes('Later/On'));
        assert.equal(mailbox.folderByUse('sent')?.subscribed, false);
        const again = await (await reopen()).open(mailbox.id);
        const made = await again.createFolder('Later/On');
        assert.equal(made.subscribed, true);
        await again.removeFolder(made.id);
        assert.ok(again.subscribedNames().includes('Later/On'), 'RFC 9051 §6.3.8: only the client unsubscribes');
      }));

    test('a mailbox has at most so many folders', () =>
      withStore(open, async (_, mailbox) => {
        const room = FOLDERS_PER_MAILBOX - mailbox.folders().length;
        for (let i = 0; i < room; i += 100) {
          const count = Math.min(100, room - i);
          await Promise.all(Array.from({ length: count }, (_, k) => mailbox.createFolder(`f${i + k}`)));
        }
        assert.equal(mailbox.folders().length, FOLDERS_PER_MAILBOX);
        await assert.rejects(mailbox.createFolder('one more'), failure('LIMIT'));
        const inbox = inboxOf(mailbox);
        await assert.rejects(mailbox.changeFolder(inbox, { name: 'Old' }), failure('LIMIT'));
      }));

    test('mailboxes are listed, verified and removed', () =>
      withStore(open, async ({ database }, mailbox) => {
        assert.deepEqual(await database.mailboxes(), [mailbox.id]);
        await assert.rejects(database.remove(mailbox.id), failure('INUSE'));
        assert.deepEqual((await database.verify(mailbox.id)).problems, []);
        const second = await database.open(mailbox.id);
        mailbox.close();
        mailbox.close();
        await assert.rejects(database.remove(mailbox.id), failure('INUSE'));
        second.close();
        await database.remove(mailbox.id);
        assert.deepEqual(await database.mailboxes(), []);
        await assert.rejects(database.remove(mailbox.id), failure('NONEXISTENT'));
        await assert.rejects(database.verify(mailbox.id), failure('NONEXISTENT'));
        assert.deepEqual(await uidsIn(await database.open(mailbox.id), inboxOf(await database.open(mailbox.id))), []);
      }));
  });
}
