/** Sites, servers and databases that change and go, and the secrets that servers share (ADR 9). */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Directory } from '../../src/directory/api.ts';
import { defaultConnectors } from '../../src/directory/connectors.ts';
import { databaseId, serverId, siteId } from '../../src/directory/model.ts';
import {
  type DirectoryUnderTest,
  type OpenDirectory,
  person,
  refused,
  type SmallOrganization,
  smallOrganization,
} from './directory-fixture.ts';

const SECRET_BYTES = 64 * 1024;

export function directoryTopologyConformance(engine: string, open: OpenDirectory): void {
  describe(`directory topology on ${engine}`, () => {
    let under: DirectoryUnderTest;
    let directory: Directory;
    let here: SmallOrganization;

    before(async () => {
      under = await open();
      directory = under.directory;
      here = await smallOrganization(directory);
    });
    after(() => under.close());

    test('a site is renamed, and goes once no server is in it', async () => {
      const dublin = await directory.addSite('Dublin');
      await refused(directory.changeSite(dublin.id, { name: 'default-FIRST-site-name' }), 'ALREADYEXISTS');
      await refused(directory.changeSite(dublin.id, { name: 'a/b' }), 'CANNOT', /Site name/);
      assert.deepEqual(await directory.changeSite(dublin.id, { name: 'DUBLIN' }), { id: dublin.id, name: 'DUBLIN' });
      const fields = { name: 'FE1', fqdn: 'fe1.example.org', site: dublin.id, frontEnd: true, backEnd: false };
      const edge = await directory.addServer(fields);
      await refused(directory.removeSite(dublin.id), 'INUSE', /FE1 is in the site DUBLIN/);
      await directory.removeServer(edge.id);
      await directory.removeSite(dublin.id);
      assert.deepEqual(await directory.sites(), [here.site]);
      await refused(directory.removeSite(dublin.id), 'NONEXISTENT');
      await refused(directory.changeSite(dublin.id, { name: 'X' }), 'NONEXISTENT');
    });

    test('a server changes name, host, site and roles within the rules', async () => {
      const site = await directory.addSite('Cork');
      const two = await directory.addServer({
        name: 'MAIL2',
        fqdn: 'mail2.example.org',
        site: here.site.id,
        frontEnd: true,
        backEnd: true,
      });
      await refused(directory.changeServer(two.id, { name: 'mail1' }), 'ALREADYEXISTS', /mail1/);
      await refused(directory.changeServer(two.id, { fqdn: 'MAIL1.example.org' }), 'ALREADYEXISTS');
      await refused(directory.changeServer(two.id, { fqdn: 'a b' }), 'CANNOT', /Fqdn/);
      const dialled = await directory.changeServer(two.id, { internalAddress: '10.0.0.2' });
      assert.equal(dialled.internalAddress, '10.0.0.2');
      assert.equal((await directory.servers()).find((one) => one.id === two.id)?.internalAddress, '10.0.0.2');
      assert.equal((await directory.changeServer(two.id, { fqdn: two.fqdn })).internalAddress, '10.0.0.2');
      assert.equal((await directory.changeServer(two.id, { internalAddress: '' })).internalAddress, undefined);
      await refused(directory.changeServer(two.id, { internalAddress: 'a b' }), 'CANNOT', /InternalAddress/);
      await refused(directory.changeServer(two.id, { site: siteId('none') }), 'NONEXISTENT', /site/);
      await refused(directory.changeServer(two.id, { frontEnd: false, backEnd: false }), 'CANNOT');
      await refused(directory.changeServer(serverId('none'), { name: 'X' }), 'NONEXISTENT');
      const before = await directory.imapSettings(two.id);
      assert.equal(before.x509CertificateName, 'mail2.example.org');
      const changed = await directory.changeServer(two.id, {
        fqdn: 'Mail3.example.org',
        site: site.id,
        backEnd: false,
      });
      assert.deepEqual(changed, { ...two, fqdn: 'mail3.example.org', site: site.id, backEnd: false });
      assert.deepEqual(
        (await directory.servers()).find((one) => one.id === two.id),
        changed,
      );
      // What nobody set follows the host name.
      assert.equal((await directory.imapSettings(two.id)).x509CertificateName, 'mail3.example.org');
      assert.ok((await directory.services(two.id)).every((state) => !state.service.endsWith('-backend')));
      await refused(directory.changeServer(here.server.id, { backEnd: false }), 'INUSE', /DB1 is on the server MAIL1/);
      await directory.removeServer(two.id);
      await directory.removeSite(site.id);
    });

    test('a server goes with all that is its own, and not while a database lives on it', async () => {
      const fields = { name: 'MAIL4', fqdn: 'mail4.example.org', site: here.site.id, frontEnd: true, backEnd: true };
      const four = await directory.addServer(fields);
      for (const connector of defaultConnectors(four)) await directory.addConnector(connector);
      await directory.setImapSettings(four.id, { banner: 'Hello.' });
      await directory.setService(four.id, 'imap4', { running: true });
      await directory.setComponentRequest(four.id, {
        component: 'ImapProxy',
        requester: 'Maintenance',
        state: 'Inactive',
      });
      assert.equal((await directory.connectors(four.id)).length, 5);
      const database = await directory.addDatabase({
        name: 'DB4',
        server: four.id,
        engine: 'sqlite',
        location: 'databases/db4',
      });
      await refused(directory.removeServer(four.id), 'INUSE', /DB4 is on the server MAIL4/);
      await directory.changeDatabase(database.id, { server: here.server.id });
      await directory.removeServer(four.id);
      for (const asked of [directory.connectors(four.id), directory.imapSettings(four.id), directory.services(four.id)])
        await refused(asked, 'NONEXISTENT', /server/);
      await refused(directory.componentRequests(four.id), 'NONEXISTENT');
      await refused(directory.removeServer(four.id), 'NONEXISTENT');
      // Its name is free, and whoever takes it starts anew.
      const again = await directory.addServer(fields);
      assert.equal((await directory.imapSettings(again.id)).banner, 'Penfold IMAP4 service is ready.');
      assert.deepEqual(await directory.connectors(again.id), []);
      await directory.removeServer(again.id);
      await directory.removeDatabase(database.id);
    });

    test('a database moves to another server and place, is renamed, and goes once it is empty', async () => {
      const edge = await directory.addServer({
        name: 'FE9',
        fqdn: 'fe9.example.org',
        site: here.site.id,
        frontEnd: true,
        backEnd: false,
      });
      const two = await directory.addDatabase({
        name: 'DB2',
        server: here.server.id,
        engine: 'postgres',
        location: 'postgres://db.example.org/mail',
      });
      await refused(directory.changeDatabase(two.id, { server: edge.id }), 'CANNOT', /back end/);
      await refused(directory.changeDatabase(two.id, { server: serverId('none') }), 'NONEXISTENT', /server/);
      await refused(directory.changeDatabase(two.id, { name: 'db1' }), 'ALREADYEXISTS');
      await refused(directory.changeDatabase(two.id, { location: '' }), 'CANNOT', /Location/);
      await refused(directory.changeDatabase(databaseId('none'), { name: 'X' }), 'NONEXISTENT');
      await directory.setDatabaseSettings(two.id, { mailboxRetention: 86_400 });
      const moved = await directory.changeDatabase(two.id, {
        name: 'DB3',
        location: 'postgres://db2.example.org/mail',
      });
      assert.deepEqual(moved, { ...two, name: 'DB3', location: 'postgres://db2.example.org/mail' });
      assert.equal((await directory.databaseSettings(two.id)).mailboxRetention, 86_400);
      const ann = await directory.addAccount(person(two.id, 'ann'));
      await refused(directory.removeDatabase(two.id), 'INUSE', /1 mailbox is in DB3/);
      await directory.removeAccount(ann.id);
      await refused(directory.removeDatabase(two.id), 'INUSE', /disconnected/);
      for (const mailbox of await directory.disconnectedMailboxes()) await directory.forgetMailbox(mailbox.id);
      await directory.removeDatabase(two.id);
      assert.deepEqual(
        (await directory.databases()).map((one) => one.name),
        ['DB1'],
      );
      await refused(directory.removeDatabase(two.id), 'NONEXISTENT');
      await refused(directory.databaseSettings(two.id), 'NONEXISTENT');
      await directory.removeServer(edge.id);
    });

    test('a secret is kept as given, replaced, taken away, and bounded', async () => {
      assert.equal(await directory.organizationSecret('join'), null);
      const bytes = Uint8Array.from({ length: 256 }, (_, at) => at);
      assert.deepEqual(await directory.setOrganizationSecret('join', bytes), bytes);
      assert.deepEqual(Buffer.from((await directory.organizationSecret('join')) ?? []), Buffer.from(bytes));
      const kept = await directory.setOrganizationSecret('join', Buffer.from('other'), true);
      assert.deepEqual(Buffer.from(kept ?? []), Buffer.from(bytes));
      await directory.setOrganizationSecret('join', Buffer.from('other'));
      assert.equal(Buffer.from((await directory.organizationSecret('join')) ?? []).toString(), 'other');
      assert.equal(await directory.setOrganizationSecret('join', null), null);
      assert.equal(await directory.organizationSecret('join'), null);
      assert.equal(await directory.setOrganizationSecret('join', null), null);
      await directory.setOrganizationSecret('large', new Uint8Array(SECRET_BYTES));
      await refused(directory.setOrganizationSecret('large', new Uint8Array(SECRET_BYTES + 1)), 'CANNOT', /65536/);
      await refused(directory.setOrganizationSecret('large', new Uint8Array()), 'CANNOT');
      await refused(directory.setOrganizationSecret('No Name', bytes), 'CANNOT', /name of a secret/);
    });

    test('two servers that make the same secret at once agree on one', async () => {
      const other = (await under.another()) ?? directory;
      const racers = Array.from({ length: 8 }, (_, at) =>
        (at % 2 === 0 ? directory : other).setOrganizationSecret('authority', Buffer.from(`key ${at}`), true),
      );
      const agreed = new Set((await Promise.all(racers)).map((value) => Buffer.from(value ?? []).toString()));
      assert.equal(agreed.size, 1);
      assert.equal(Buffer.from((await other.organizationSecret('authority')) ?? []).toString(), [...agreed][0]);
      if (other !== directory) await other.close();
    });
  });
}
