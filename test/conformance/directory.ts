/**
 * What every directory engine must do. An engine's test hands in a way to open it; PostgreSQL will use the same suite.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Directory, DirectoryChange, NewAccount } from '../../src/directory/api.ts';
import { connectorForUsage, defaultConnectors } from '../../src/directory/connectors.ts';
import { accountId, type DatabaseId, type Server, siteId } from '../../src/directory/model.ts';
import type { FailureCode } from '../../src/observe/failure.ts';
import {
  credentials,
  type DirectoryUnderTest,
  type OpenDirectory,
  person as personIn,
  refused,
  smallOrganization,
} from './directory-fixture.ts';

export function directoryConformance(engine: string, open: OpenDirectory): void {
  describe(`directory on ${engine}`, () => {
    let under: DirectoryUnderTest;
    let directory: Directory;
    let server: Server;
    let database: DatabaseId;

    const person = (alias: string, more: Partial<NewAccount> = {}): NewAccount => personIn(database, alias, more);

    before(async () => {
      under = await open();
      directory = under.directory;
      ({ server, database } = await smallOrganization(directory));
    });
    after(() => under.close());

    test('the organization has Exchange sizes and keeps what is set', async () => {
      assert.deepEqual(await directory.organization(), {
        name: 'Contoso',
        maxReceiveSize: 10_485_760,
        maxSendSize: 10_485_760,
        maxRecipientEnvelopeLimit: 500,
        externalPostmasterAddress: '',
      });
      assert.equal((await directory.setOrganization({ maxSendSize: Infinity })).maxSendSize, Infinity);
      assert.equal((await directory.organization()).maxSendSize, Infinity);
      await refused(directory.setOrganization({ maxReceiveSize: -1 }), 'CANNOT', /MaxReceiveSize must be 0–/);
    });

    test('sites, servers, databases and domains: names are unique without case, references exist', async () => {
      await refused(directory.addSite('default-first-site-name'), 'ALREADYEXISTS');
      const fields = { name: 'mail1', fqdn: 'other.example.org', site: server.site, frontEnd: true, backEnd: true };
      await refused(directory.addServer(fields), 'ALREADYEXISTS', /mail1/);
      await refused(directory.addServer({ ...fields, name: 'MAIL2', site: siteId('no') }), 'NONEXISTENT');
      await refused(directory.addServer({ ...fields, name: 'MAIL2', fqdn: 'a b' }), 'CANNOT', /Fqdn/);
      await refused(
        directory.addDatabase({ name: 'db1', server: server.id, engine: 'sqlite', location: 'x' }),
        'ALREADYEXISTS',
      );
      await refused(
        directory.addDomain({ name: 'EXAMPLE.org', type: 'Authoritative', isDefault: true }),
        'ALREADYEXISTS',
      );
      await refused(directory.addDomain({ name: 'not a domain', type: 'Authoritative', isDefault: false }), 'CANNOT');
      assert.deepEqual(await directory.domains(), [{ name: 'example.org', type: 'Authoritative', isDefault: true }]);
      await directory.addDomain({ name: 'bücher.example', type: 'InternalRelay', isDefault: false });
      await refused(
        directory.addDomain({ name: 'xn--bcher-kva.example', type: 'InternalRelay', isDefault: false }),
        'ALREADYEXISTS',
      );
      assert.deepEqual(
        (await directory.servers()).map((one) => [one.name, one.fqdn]),
        [['MAIL1', 'mail1.example.org']],
      );
    });

    test('an account is found by every name it has, and by no other', async () => {
      const alice = await directory.addAccount(
        person('Alice', {
          userPrincipalName: 'Alice.L@corp.example',
          mailbox: { database, addresses: ['Alice.Liddell@Example.org', 'sales@example.org'] },
        }),
      );
      assert.equal(alice.alias, 'alice');
      assert.equal(alice.userPrincipalName, 'alice.l@corp.example');
      assert.equal(alice.mailbox?.primaryAddress, 'Alice.Liddell@example.org');
      const found = [
        'alice.l@corp.example',
        'ALICE.L@CORP.EXAMPLE',
        'alice.liddell@EXAMPLE.ORG',
        'sales@example.org',
        'sales',
        'alice',
        'ALICE',
        'example\\alice',
        'EXAMPLE/alice',
        'example.org\\sales',
        'Contoso\\alice',
        ' alice ',
      ];
      for (const name of found) assert.equal((await directory.accountByLogonName(name))?.id, alice.id, name);
      // Once more: from the cache.
      for (const name of found) assert.equal((await directory.accountByLogonName(name))?.id, alice.id, name);
      const unknown = [
        '',
        'nobody',
        'alice@example.org',
        'elsewhere\\alice',
        'example\\alice\\sales',
        'alice.l@corp.example/sales',
        "' OR 1=1 --",
        'a\0b',
        '\\alice',
        'example\\',
      ];
      for (const name of unknown) assert.equal(await directory.accountByLogonName(name), null, name);
      assert.equal((await directory.accountByAddress('SALES@example.org'))?.id, alice.id);
      assert.equal(await directory.accountByAddress('alice'), null);
      assert.deepEqual(await directory.account(alice.id), alice);
      assert.equal(await directory.account(accountId('none')), null);
    });

    test('aliases, principal names and addresses are unique, across each other too', async () => {
      await directory.addAccount(person('bob'));
      await refused(directory.addAccount(person('BOB')), 'ALREADYEXISTS', /alias bob/);
      await refused(directory.addAccount(person('bob2', { userPrincipalName: 'bob@example.org' })), 'ALREADYEXISTS');
      await refused(
        directory.addAccount(
          person('bob3', { mailbox: { database, addresses: ['x3@example.org', 'BOB@example.org'] } }),
        ),
        'ALREADYEXISTS',
        /address/,
      );
      await refused(directory.addAccount(person('bob4', { userPrincipalName: 'Sales@example.org' })), 'ALREADYEXISTS');
      await directory.addAccount(person('carol', { userPrincipalName: 'carol@corp.example' }));
      await refused(
        directory.addAccount(person('bob5', { mailbox: { database, addresses: ['carol@corp.example'] } })),
        'ALREADYEXISTS',
      );
      // A refused account leaves nothing behind.
      assert.equal(await directory.accountByAddress('x3@example.org'), null);
      await directory.addAccount(person('bob3', { mailbox: { database, addresses: ['x3@example.org'] } }));
    });

    test('impossible accounts are refused in words that name the field', async () => {
      const bad: ReadonlyArray<readonly [Partial<NewAccount>, FailureCode, RegExp]> = [
        [{ alias: 'has space' }, 'CANNOT', /Alias/],
        [{ alias: 'x'.repeat(65) }, 'CANNOT', /Alias must be 1–64/],
        [{ alias: 'a/b' }, 'CANNOT', /Alias/],
        [{ displayName: ' ' }, 'CANNOT', /DisplayName/],
        [{ userPrincipalName: 'nodomain' }, 'CANNOT', /UserPrincipalName/],
        [{ mailbox: { database, addresses: [] } }, 'CANNOT', /EmailAddresses/],
        [{ mailbox: { database, addresses: ['no-at'] } }, 'CANNOT', /no mail address/],
        [{ mailbox: { database, addresses: ['a..b@example.org'] } }, 'CANNOT', /dots/],
        [{ mailbox: { database, addresses: [`${'x'.repeat(65)}@example.org`] } }, 'CANNOT', /64 bytes/],
        [{ mailbox: { database, addresses: ['a@exa mple.org'] } }, 'CANNOT', /domain/],
        [{ kind: 'shared', credentials: credentials(1) }, 'CANNOT', /no password/],
      ];
      for (const [more, code, text] of bad) await refused(directory.addAccount(person('dora', more)), code, text);
      assert.equal(await directory.accountByLogonName('dora'), null);
    });

    test('an account changes, and its old names are free', async () => {
      const erin = await directory.addAccount(person('erin'));
      assert.equal((await directory.accountByLogonName('erin@example.org'))?.id, erin.id);
      const changed = await directory.changeAccount(erin.id, {
        alias: 'erin.new',
        userPrincipalName: 'erin.new@example.org',
        addresses: ['erin.new@example.org', 'erin.alt@example.org'],
        enabled: false,
        displayName: 'Erin New',
      });
      assert.deepEqual(
        [changed.alias, changed.enabled, changed.displayName, changed.mailbox?.addresses],
        ['erin.new', false, 'Erin New', ['erin.new@example.org', 'erin.alt@example.org']],
      );
      assert.equal(changed.mailbox?.id, erin.mailbox?.id);
      for (const old of ['erin', 'erin@example.org']) assert.equal(await directory.accountByLogonName(old), null);
      assert.equal((await directory.accountByLogonName('erin.alt'))?.id, erin.id);
      await directory.addAccount(person('erin'));
      await refused(directory.changeAccount(erin.id, { alias: 'erin' }), 'ALREADYEXISTS');
      await refused(directory.changeAccount(erin.id, { addresses: ['erin@example.org'] }), 'ALREADYEXISTS');
      assert.deepEqual(await directory.account(erin.id), changed);
      // Changing nothing but the case of its own names is no conflict.
      await directory.changeAccount(erin.id, { userPrincipalName: 'Erin.New@Example.org' });
      await directory.removeAccount(erin.id);
      await refused(directory.removeAccount(erin.id), 'NONEXISTENT');
      await refused(directory.changeAccount(erin.id, {}), 'NONEXISTENT');
      assert.equal(await directory.accountByAddress('erin.alt@example.org'), null);
    });

    test('credentials are kept as given, replaced and taken away', async () => {
      const frank = await directory.addAccount(person('frank', { credentials: credentials(3) }));
      assert.deepEqual(await directory.credentials(frank.id), credentials(3));
      await directory.changeAccount(frank.id, { credentials: credentials(9) });
      assert.deepEqual(await directory.credentials(frank.id), credentials(9));
      await directory.changeAccount(frank.id, { displayName: 'F' });
      assert.deepEqual(await directory.credentials(frank.id), credentials(9));
      await directory.changeAccount(frank.id, { credentials: null });
      assert.equal(await directory.credentials(frank.id), null);
    });

    test('client access: all on, own values only without protocol defaults', async () => {
      const gina = await directory.addAccount(person('gina'));
      const initial = await directory.clientAccess(gina.id);
      assert.equal(initial.popEnabled && initial.imapEnabled && initial.owaEnabled, true);
      assert.equal(initial.popUseProtocolDefaults, true);
      assert.equal((await directory.setClientAccess(gina.id, { popEnabled: false })).popEnabled, false);
      await refused(
        directory.setClientAccess(gina.id, { popMessagesRetrievalMimeFormat: 'TextOnly' }),
        'CANNOT',
        /PopMessagesRetrievalMimeFormat can be set only while PopUseProtocolDefaults is false/,
      );
      const own = await directory.setClientAccess(gina.id, {
        popUseProtocolDefaults: false,
        popMessagesRetrievalMimeFormat: 'TextOnly',
      });
      assert.deepEqual([own.popEnabled, own.popMessagesRetrievalMimeFormat], [false, 'TextOnly']);
      await refused(directory.clientAccess(accountId('none')), 'NONEXISTENT');
    });

    test('a thousand accounts in one call: all, or none', async () => {
      const many = Array.from({ length: 1000 }, (_, n) => person(`user${n}`));
      const added = await directory.addAccounts(many);
      assert.equal(added.length, 1000);
      assert.equal((await directory.accountByLogonName('user999'))?.id, added[999]?.id);
      await refused(directory.addAccounts([person('new1'), person('user5')]), 'ALREADYEXISTS');
      assert.equal(await directory.accountByLogonName('new1'), null);
      const seen: string[] = [];
      for (let after: string | undefined; ; ) {
        const page = await directory.accounts({ limit: 300, ...(after === undefined ? {} : { after }) });
        seen.push(...page.map((account) => account.alias));
        assert.ok(page.every((account) => account.mailbox?.primaryAddress !== undefined));
        after = page.at(-1)?.alias;
        if (page.length < 300) break;
      }
      assert.deepEqual(seen, [...new Set(seen)].sort());
      assert.ok(seen.length > 1000);
      await refused(directory.accounts({ limit: 0 }), 'CANNOT');
      await refused(directory.accounts({ limit: 10_001 }), 'CANNOT');
    });

    test('POP and IMAP settings: defaults of the reference, ranges, rules, one server', async () => {
      const pop = await directory.popSettings(server.id);
      const imap = await directory.imapSettings(server.id);
      assert.deepEqual(
        [pop.maxCommandSize, imap.maxCommandSize, pop.loginType, imap.proxyTargetPort, pop.proxyTargetPort],
        [512, 10_240, 'SecureLogin', 1993, 1995],
      );
      assert.equal(imap.banner, 'Penfold IMAP4 service is ready.');
      assert.deepEqual(imap.internalConnectionSettings, [
        { host: 'mail1.example.org', port: 993, encryption: 'SSL' },
        { host: 'mail1.example.org', port: 143, encryption: 'TLS' },
      ]);
      assert.equal(pop.x509CertificateName, 'mail1.example.org');
      await refused(
        directory.setPopSettings(server.id, { maxCommandSize: 1025 }),
        'CANNOT',
        /MaxCommandSize must be 40–1024/,
      );
      await refused(directory.setImapSettings(server.id, { maxCommandSize: 1023 }), 'CANNOT', /1024–16384/);
      await refused(
        directory.setImapSettings(server.id, { calendarItemRetrievalOption: 'Custom' }),
        'CANNOT',
        /OwaServerUrl/,
      );
      const set = await directory.setImapSettings(server.id, {
        authenticatedConnectionTimeout: 86_400,
        sslBindings: [{ address: '127.0.0.1', port: 10_993 }],
        logPerFileSizeQuota: Infinity,
      });
      assert.equal(set.authenticatedConnectionTimeout, 86_400);
      assert.deepEqual(await directory.imapSettings(server.id), set);
      assert.equal((await directory.popSettings(server.id)).authenticatedConnectionTimeout, 1800);
    });

    test('receive connectors: those of setup fit together and change within their rules', async () => {
      for (const connector of defaultConnectors(server)) await directory.addConnector(connector);
      const all = await directory.connectors(server.id);
      assert.deepEqual(
        all.map((one) => one.name),
        [
          'Default Frontend MAIL1',
          'Client Frontend MAIL1',
          'Outbound Proxy Frontend MAIL1',
          'Default MAIL1',
          'Client Proxy MAIL1',
        ],
      );
      const client = all.find((one) => one.name.startsWith('Client Frontend'));
      assert.ok(client !== undefined);
      assert.deepEqual(
        [client.messageRateLimit, client.messageRateSource, client.implicitTlsBindings.map((one) => one.port)],
        [5, 'User', [465, 465]],
      );
      assert.equal(all[0]?.messageRateLimit, Infinity);
      const changed = await directory.changeConnector(client.id, { messageRateLimit: Infinity, requireTls: true });
      assert.deepEqual([changed.messageRateLimit, changed.requireTls], [Infinity, true]);
      assert.deepEqual((await directory.connectors(server.id))[1], changed);
      await refused(directory.changeConnector(client.id, { authMechanism: ['BasicAuthRequireTLS'] }), 'CANNOT');
      await refused(
        directory.changeConnector(client.id, { maxLogonFailures: 11 }),
        'CANNOT',
        /MaxLogonFailures must be 0–10/,
      );
      const [twin] = defaultConnectors(server);
      assert.ok(twin !== undefined);
      await refused(directory.addConnector({ ...twin, name: twin.name.toUpperCase() }), 'ALREADYEXISTS');
      const relay = connectorForUsage(server, 'Custom', {
        name: 'Printers',
        bindings: [{ address: '0.0.0.0', port: 25 }],
        remoteIpRanges: ['10.1.0.0/16'],
      });
      const added = await directory.addConnector(relay);
      await refused(
        directory.addConnector({ ...relay, name: 'Printers 2', remoteIpRanges: ['10.1.255.0-10.2.0.9'] }),
        'CANNOT',
        /overlap/,
      );
      await directory.removeConnector(added.id);
      await refused(directory.removeConnector(added.id), 'NONEXISTENT');
    });

    test('services: POP3 and IMAP4 are Manual and stopped until turned on', async () => {
      const states = new Map((await directory.services(server.id)).map((state) => [state.service, state]));
      for (const name of ['pop3', 'pop3-backend', 'imap4', 'imap4-backend'] as const)
        assert.deepEqual(states.get(name), { service: name, startupType: 'Manual', running: false });
      assert.equal(states.get('frontend-transport')?.running, true);
      const on = await directory.setService(server.id, 'imap4', { startupType: 'Automatic', running: true });
      assert.deepEqual(on, { service: 'imap4', startupType: 'Automatic', running: true });
      assert.equal((await directory.services(server.id)).find((one) => one.service === 'imap4')?.running, true);
      await directory.setService(server.id, 'pop3', { startupType: 'Disabled' });
      await refused(directory.setService(server.id, 'pop3', { running: true }), 'CANNOT', /disabled/);
    });

    test('a server with one role has that role only', async () => {
      const edge = await directory.addServer({
        name: 'FE1',
        fqdn: 'fe1.example.org',
        site: server.site,
        frontEnd: true,
        backEnd: false,
      });
      assert.ok((await directory.services(edge.id)).every((state) => !state.service.endsWith('-backend')));
      await refused(directory.setService(edge.id, 'pop3-backend', { running: true }), 'NONEXISTENT', /no back end/);
      await refused(directory.setPopSettings(edge.id, { proxyTargetPort: 2000 }), 'CANNOT', /read-only on FE1/);
      await directory.setPopSettings(edge.id, { maxConnections: 5 });
      assert.ok(defaultConnectors(edge).every((connector) => connector.transportRole === 'FrontendTransport'));
      await refused(
        directory.addDatabase({ name: 'DB9', server: edge.id, engine: 'sqlite', location: 'x' }),
        'CANNOT',
        /back end/,
      );
    });

    test('watch tells what changed, once it can be read, and stops', async () => {
      const heard: DirectoryChange[] = [];
      const stop = directory.watch((change) => heard.push(change));
      const hank = await directory.addAccount(person('hank'));
      await directory.setPopSettings(server.id, { banner: 'Hello.' });
      await refused(directory.addAccount(person('hank')), 'ALREADYEXISTS');
      assert.deepEqual(heard, [
        { kind: 'account', id: hank.id },
        { kind: 'pop-settings', id: server.id },
      ]);
      stop();
      await directory.setPopSettings(server.id, { banner: 'Hello again.' });
      assert.equal(heard.length, 2);
    });

    test('another process sees a change within a second, caches included', async (t) => {
      const other = await under.another();
      if (other === null) return t.skip('this engine is private to its process');
      const ivy = await directory.addAccount(person('ivy', { credentials: credentials(20) }));
      assert.deepEqual(await other.credentials(ivy.id), credentials(20));
      assert.equal((await other.accountByLogonName('ivy'))?.enabled, true);
      const { promise, resolve } = Promise.withResolvers<DirectoryChange>();
      const stop = other.watch(resolve);
      const begun = performance.now();
      await directory.changeAccount(ivy.id, { enabled: false, credentials: credentials(21), alias: 'ivy.b' });
      // The engine's own timer is unref'd; something must keep the test alive meanwhile.
      const guard = setTimeout(() => assert.fail('not heard of'), 5000);
      assert.deepEqual(await promise, { kind: 'account', id: ivy.id });
      clearTimeout(guard);
      stop();
      assert.ok(performance.now() - begun < 1000);
      assert.equal((await other.account(ivy.id))?.enabled, false);
      assert.deepEqual(await other.credentials(ivy.id), credentials(21));
      assert.equal((await other.accountByLogonName('ivy.b'))?.id, ivy.id);
      // A write reads no stale cache, whether or not the change was polled already.
      await directory.changeAccount(ivy.id, { displayName: 'From one' });
      const merged = await other.changeAccount(ivy.id, { enabled: true });
      assert.deepEqual([merged.displayName, merged.enabled], ['From one', true]);
      await other.close();
    });
  });
}
