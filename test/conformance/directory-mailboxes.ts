/** Mailboxes that come and go while their accounts stay, or the other way round (exchange-behaviour.md §9.2, §11). */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { makeCredentials } from '../../src/auth/verifiers.ts';
import type { Directory } from '../../src/directory/api.ts';
import { type Account, databaseId } from '../../src/directory/model.ts';
import {
  type DirectoryUnderTest,
  type OpenDirectory,
  person,
  refused,
  type SmallOrganization,
  smallOrganization,
} from './directory-fixture.ts';

/** A test needs no expensive verifier. */
const CHEAP_ARGON2 = { memory: 64, passes: 1, parallelism: 1 };

export function directoryMailboxesConformance(engine: string, open: OpenDirectory): void {
  describe(`directory mailboxes on ${engine}`, () => {
    let under: DirectoryUnderTest;
    let directory: Directory;
    let here: SmallOrganization;
    let ann: Account;
    let sales: Account;
    let administrator: Account;
    let bare: Account;

    before(async () => {
      under = await open();
      directory = under.directory;
      here = await smallOrganization(directory);
      ann = await directory.addAccount(person(here.database, 'ann'));
      sales = await directory.addAccount(person(here.database, 'sales', { kind: 'shared' }));
      administrator = await directory.addAccount(person(here.database, 'administrator', { kind: 'administrator' }));
      bare = await directory.addAccount(person(here.database, 'bare', { mailbox: null }));
    });
    after(() => under.close());

    test('an account is found by its alias alone', async () => {
      const other = await directory.addAccount(
        person(here.database, 'other', { mailbox: { database: here.database, addresses: ['sold@example.org'] } }),
      );
      assert.equal((await directory.accountByAlias(' SALES '))?.id, sales.id);
      assert.equal(await directory.accountByAlias('sold'), null);
      assert.equal((await directory.accountByLogonName('sold'))?.id, other.id);
      assert.equal(await directory.accountByAlias('sales@example.org'), null);
    });

    test('a mailbox is given, taken with its settings and rights, kept, and connected again', async () => {
      const { database } = here;
      const dora = await directory.addAccount(person(database, 'dora', { mailbox: null }));
      const addresses = ['dora@example.org', 'd@example.org'];
      const enabled = await directory.changeAccount(dora.id, { mailbox: { database, addresses } });
      assert.deepEqual(enabled.mailbox?.addresses, addresses);
      assert.equal((await directory.accountByAddress('d@example.org'))?.id, dora.id);
      await refused(
        directory.changeAccount(dora.id, { mailbox: { database, addresses: ['x@example.org'] } }),
        'ALREADYEXISTS',
        /has a mailbox already/,
      );
      await directory.setMailboxSettings(dora.id, { language: 'de' });
      await directory.setPermission({ mailbox: dora.id, user: ann.id, rights: ['FullAccess'] });
      await directory.setPermission({ mailbox: sales.id, user: dora.id, rights: ['SendAs'] });
      const disabled = await directory.changeAccount(dora.id, { mailbox: null });
      assert.equal(disabled.mailbox, null);
      assert.equal(await directory.accountByAddress('d@example.org'), null);
      assert.deepEqual(await directory.permissions({ mailbox: dora.id }), []);
      assert.equal((await directory.permissions({ user: dora.id })).length, 1, 'what the person holds stays');
      const [kept] = await directory.disconnectedMailboxes();
      assert.ok(kept !== undefined && Math.abs(kept.at - Date.now()) < 60_000);
      assert.deepEqual(
        [kept.id, kept.database, kept.alias, kept.displayName, kept.addresses],
        [enabled.mailbox?.id, database, 'dora', 'dora', addresses],
      );
      await directory.changeAccount(dora.id, { mailbox: null });
      assert.equal((await directory.disconnectedMailboxes()).length, 1);

      const again = await directory.changeAccount(dora.id, {
        mailbox: { database, addresses: ['dora@example.org'], id: kept.id },
      });
      assert.equal(again.mailbox?.id, kept.id);
      assert.equal((await directory.mailboxSettings(dora.id)).language, 'en-US');
      assert.deepEqual(await directory.disconnectedMailboxes(), []);
      await refused(
        directory.addAccount(
          person(database, 'eve', { mailbox: { database, addresses: ['e@example.org'], id: kept.id } }),
        ),
        'NONEXISTENT',
        /no disconnected mailbox/,
      );
      // Removed with the account, connected to another one.
      await directory.removeAccount(dora.id);
      const eve = await directory.addAccount(
        person(database, 'eve', { mailbox: { database, addresses: ['e@example.org'], id: kept.id } }),
      );
      assert.equal(eve.mailbox?.id, kept.id);
      await directory.removeAccount(eve.id);
      await directory.forgetMailbox(kept.id);
      await refused(directory.forgetMailbox(kept.id), 'NONEXISTENT');
      await refused(
        directory.changeAccount(bare.id, { mailbox: { database, addresses }, addresses }),
        'CANNOT',
        /one or the other/,
      );
      await refused(
        directory.changeAccount(bare.id, { mailbox: { database: databaseId('no'), addresses } }),
        'NONEXISTENT',
        /database/,
      );
      await refused(
        directory.changeAccount(bare.id, { mailbox: { database, addresses: ['sales@example.org'] } }),
        'ALREADYEXISTS',
        /address/,
      );
      assert.equal((await directory.account(bare.id))?.mailbox, null);
      await refused(directory.removeAccount(administrator.id), 'CANNOT', /built-in account administrator stays/);
    });

    test('a mailbox becomes another kind: its password goes and stands in no log, built-in accounts stay', async () => {
      const credentials = await makeCredentials('correct horse', { parameters: CHEAP_ARGON2, iterations: 4096 });
      const ivy = await directory.addAccount(person(here.database, 'ivy', { credentials }));
      assert.equal((await directory.changeAccount(ivy.id, { kind: 'room' })).kind, 'room');
      assert.equal(await directory.credentials(ivy.id), null);
      const [entry] = await directory.auditLog({ limit: 1 });
      assert.deepEqual(
        [entry?.before, entry?.after],
        [{ RecipientTypeDetails: 'UserMailbox', Password: '*****' }, { RecipientTypeDetails: 'RoomMailbox' }],
      );
      await refused(directory.changeAccount(ivy.id, { credentials }), 'CANNOT', /has no password/);
      const user = await directory.changeAccount(ivy.id, { kind: 'user', credentials });
      assert.equal((await directory.account(ivy.id))?.kind, user.kind);
      assert.notEqual(await directory.credentials(ivy.id), null);
      await refused(directory.changeAccount(administrator.id, { kind: 'user' }), 'CANNOT', /its kind stays/);
      await refused(directory.changeAccount(ivy.id, { kind: 'administrator' }), 'CANNOT', /built in/);
    });
  });
}
