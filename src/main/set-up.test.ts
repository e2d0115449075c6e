/** Servers that join, with a real PostgreSQL; the commands as processes are in test/system/three-servers.test.ts. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect } from 'node:tls';
import { freshDatabase, type FreshDatabase, postgresMissing, stopSharedPostgres } from '../../test/support/postgres.ts';
import { identityOf, listen } from '../../test/support/server-identities.ts';
import { dataLayout, type DataLayout } from '../config/data-directory.ts';
import type { Directory } from '../directory/api.ts';
import type { Actor } from '../directory/model.ts';
import { Failure } from '../observe/failure.ts';
import { silentLog } from '../observe/log.ts';
import { acceptServer, type AcceptedServer } from '../tls/server-accept.ts';
import { openIdentity } from './identity.ts';
import { JOIN_TOKEN_MS, type JoinToken, makeJoinToken, parseJoinToken } from './join-token.ts';
import { isSetUp, openDirectory } from './open-directory.ts';
import { shiftedPorts } from './organization.ts';
import { openOrganizationSecrets } from './organization-secrets.ts';
import { type JoiningServer, setUpFirst, setUpJoined } from './set-up.ts';

const BYTES = Buffer.alloc(32, 1);
const ACTOR: Actor = { user: 'local:root', via: 'command', command: 'penfold setup --join' };
const failure =
  (code: string, words = /./) =>
  (error: unknown) =>
    error instanceof Failure && error.code === code && words.test(error.message);

describe('an organization of several servers', { skip: postgresMissing() ?? false }, () => {
  let root: string;
  let database: FreshDatabase;
  let first: DataLayout;
  let directory: Directory;
  const layoutOf = (name: string): DataLayout => dataLayout(path.join(root, name));
  const newToken = async (lifeMs = JOIN_TOKEN_MS): Promise<JoinToken> => {
    const { sealingKey } = await openOrganizationSecrets(first, directory);
    return parseJoinToken(await makeJoinToken(directory, { sealingKey, url: database.url, lifeMs }));
  };
  const joining = (name: string, token: JoinToken, more: Partial<JoiningServer> = {}): JoiningServer => ({
    token,
    plan: { server: name, fqdn: `${name.toLowerCase()}.example.org` },
    site: 'Paris',
    createSite: false,
    database: undefined,
    ports: null,
    actor: ACTOR,
    ...more,
  });

  before(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'penfold-join-'));
    database = await freshDatabase();
    first = layoutOf('first');
  });
  after(async () => {
    await directory.close();
    await database.drop();
    await stopSharedPostgres();
    await rm(root, { recursive: true });
  });
  const firstServer = {
    plan: {
      organization: 'Example',
      site: 'Paris',
      server: 'MAIL1',
      fqdn: 'mail1.example.org',
      domain: 'example.org',
      database: 'Mailbox Database 1',
      administrator: {
        argon2id: '$argon2id$none',
        scramSha256: { iterations: 4096, salt: BYTES, storedKey: BYTES, serverKey: BYTES },
      },
    },
    ports: null,
  };

  test('the first server makes it in PostgreSQL; its password stands in a file of its own', async () => {
    const made = await setUpFirst(first, { ...firstServer, directoryUrl: database.url });
    assert.equal(made.site.name, 'Paris');
    const toml = await readFile(first.configuration, 'utf8');
    assert.match(toml, /^url_file = "directory\.url"$/m);
    assert.equal(toml.includes(database.url), false);
    const file = path.join(first.root, 'directory.url');
    assert.equal(await readFile(file, 'utf8'), `${database.url}\n`);
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    directory = await openDirectory(first);
    assert.deepEqual(
      (await directory.servers()).map((one) => one.name),
      ['MAIL1'],
    );
    const again = setUpFirst(layoutOf('again'), { ...firstServer, directoryUrl: database.url });
    await assert.rejects(again, failure('ALREADYEXISTS', /MAIL1.*--join/));
    assert.equal(isSetUp(layoutOf('again')), false);
  });

  test('a back end joins a new site: rows, database, connectors, stopped services, certificates, secrets', async () => {
    const layout = layoutOf('second');
    const made = await setUpJoined(
      layout,
      joining('MAIL2', await newToken(), {
        site: 'Rome',
        createSite: true,
        plan: { server: 'MAIL2', fqdn: 'mail2.example.org', internalAddress: '127.0.0.2', role: 'back-end' },
        ports: shiftedPorts(10_000, '127.0.0.2'),
      }),
    );
    assert.equal(made.database?.name, 'Mailbox Database 2');
    const { server } = made;
    assert.deepEqual([server.frontEnd, server.backEnd, server.internalAddress], [false, true, '127.0.0.2']);
    assert.equal((await directory.imapSettings(server.id)).proxyTargetPort, 11_993);
    assert.deepEqual((await directory.connectors(server.id)).map((one) => one.name).toSorted(), [
      'Client Proxy MAIL2',
      'Default MAIL2',
    ]);
    const states = new Map((await directory.services(server.id)).map((one) => [one.service, one]));
    assert.equal(states.has('imap4'), false);
    assert.deepEqual(states.get('imap4-backend'), { service: 'imap4-backend', startupType: 'Manual', running: false });

    const own = await openDirectory(layout);
    const [mine, firsts] = [
      await openOrganizationSecrets(layout, own),
      await openOrganizationSecrets(first, directory),
    ];
    assert.deepEqual(mine.sealingKey, firsts.sealingKey);
    assert.deepEqual(await mine.saltKey(), await firsts.saltKey());
    const here = await openIdentity(own, server.id, mine, silentLog);
    here.close();
    assert.equal(
      await readFile(path.join(layout.tls, 'ca.pem'), 'utf8'),
      await readFile(path.join(first.tls, 'ca.pem'), 'utf8'),
    );
    const shown = new X509Certificate(await readFile(path.join(layout.tls, 'server.pem')));
    assert.equal(shown.checkHost('mail2.example.org'), 'mail2.example.org');
    for (const secret of [
      layout.organizationKey,
      path.join(layout.tls, 'ca.key'),
      path.join(layout.root, 'directory.url'),
    ])
      assert.equal((await stat(secret)).mode & 0o777, 0o600, secret);
    await own.close();
  });

  test('a token that was used, or expired, lets nobody in and leaves nothing behind', async () => {
    const token = await newToken();
    await setUpJoined(
      layoutOf('third'),
      joining('MAIL3', token, { plan: { server: 'MAIL3', fqdn: 'mail3.example.org', role: 'front-end' } }),
    );
    const before = await directory.servers();
    await assert.rejects(setUpJoined(layoutOf('replay'), joining('MAIL4', token)), failure('EXPIRED'));
    const old = await newToken(1);
    while (Date.now() < 2 + (await directory.auditLog({ limit: 1 })).reduce((last, { at }) => Math.max(last, at), 0));
    await assert.rejects(setUpJoined(layoutOf('late'), joining('MAIL4', old)), failure('EXPIRED'));
    assert.deepEqual(await directory.servers(), before);
    for (const name of ['replay', 'late']) assert.equal(isSetUp(layoutOf(name)), false, name);
  });

  test('what can be checked is checked before the token is used up', async () => {
    const token = await newToken();
    const wrong = [
      [joining('MAIL5', token, { site: 'Rom' }), 'NONEXISTENT', /no site Rom, only .*Rome.*--create-site/],
      [joining('mail1', token), 'ALREADYEXISTS', /MAIL1/],
      [joining('MAIL5', token, { plan: { server: 'MAIL5', fqdn: 'MAIL1.example.org' } }), 'ALREADYEXISTS', /MAIL1/],
      [joining('MAIL5', token, { database: 'mailbox database 1' }), 'ALREADYEXISTS', /database/],
      [joining('MAIL5', { ...token, url: 'postgres://penfold@127.0.0.1:1/none' }), 'UNAVAILABLE', /./],
    ] as const;
    for (const [request, code, words] of wrong)
      await assert.rejects(setUpJoined(layoutOf('wrong'), request), failure(code, words));
    // Its name is beyond what the authority of clients may vouch for.
    const beyond = joining('MAIL5', token, { plan: { server: 'MAIL5', fqdn: 'mail5.example.com' } });
    await assert.rejects(
      setUpJoined(layoutOf('wrong'), beyond),
      failure('CANNOT', /cannot vouch for mail5\.example\.com/),
    );
    assert.equal(
      (await directory.servers()).some((one) => one.name === 'MAIL5'),
      false,
    );
    const made = await setUpJoined(layoutOf('fifth'), joining('MAIL5', token, { database: null }));
    assert.equal(made.database, null);
  });

  test('a new authority for servers counts at once for those that run, and theirs of before for nothing', async () => {
    const secrets = await openOrganizationSecrets(first, directory);
    const [one, other] = await directory.servers();
    assert.ok(one !== undefined && other !== undefined);
    const left = await identityOf(await secrets.serverAuthority(), other.id);
    const identities = [];
    for (const server of [one, other]) identities.push(await openIdentity(directory, server.id, secrets, silentLog));
    const [here, there] = identities;
    assert.ok(here !== undefined && there !== undefined);
    const renewed = identities.map((identity) => new Promise<void>((resolve) => identity.onRenewed(resolve)));
    await secrets.replaceServerAuthority('Example');
    await Promise.all(renewed);

    let answer = Promise.withResolvers<AcceptedServer>();
    const listening = await listen((socket) => {
      acceptServer(socket, { identity: here, directory, role: 'any' }).then(answer.resolve, answer.reject);
    });
    const where = { host: '127.0.0.1', port: listening.port };
    there.dial(here.server, where).on('error', () => {});
    assert.equal((await answer.promise).server.id, other.id);
    answer = Promise.withResolvers();
    const options = { rejectUnauthorized: false, checkServerIdentity: () => undefined };
    connect({ ...left.dialOptions(here.server), ...options, ...where }).on('error', () => {});
    await assert.rejects(answer.promise, failure('AUTHENTICATIONFAILED', /another authority/));
    await listening.close();
    for (const identity of [...identities, left]) identity.close();
  });

  test('neither audit log nor messages show a secret', async () => {
    const token = await newToken();
    const { sealingKey } = await openOrganizationSecrets(first, directory);
    const secrets = [sealingKey, token.key].map((one) => Buffer.from(one).toString('base64'));
    const log = JSON.stringify(await directory.auditLog({ limit: 10_000 }));
    assert.match(log, /join-token/);
    for (const secret of [...secrets, 'PRIVATE KEY']) assert.equal(log.includes(secret), false);
  });
});
