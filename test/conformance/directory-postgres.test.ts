/**
 * What only the directory on PostgreSQL has: many servers that write at once, and a database that goes away, hangs,
 * comes back or is another one than before. The rest is in the suites of every engine.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test, type TestContext } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import pg from 'pg';
import type { LogonContext } from '../../src/auth/api.ts';
import { createAuthenticator } from '../../src/auth/authenticator.ts';
import { Throttle } from '../../src/auth/throttle.ts';
import { makeCredentials } from '../../src/auth/verifiers.ts';
import type { Directory } from '../../src/directory/api.ts';
import { openPostgresDirectory } from '../../src/directory/engine/postgres/directory.ts';
import { SCHEMA_VERSION, WRITE_LOCK } from '../../src/directory/engine/postgres/migrations.ts';
import { POOL_SIZE } from '../../src/directory/engine/postgres/pool.ts';
import { Failure } from '../../src/observe/failure.ts';
import { type Gate, openGate } from '../support/gate.ts';
import {
  type FreshDatabase,
  freshDatabase,
  type PostgresServer,
  postgresMissing,
  startPostgres,
  stopSharedPostgres,
} from '../support/postgres.ts';
import { person, refused, smallOrganization } from './directory-fixture.ts';
import { heard, soon, sql, ToldLog } from './directory-news.ts';

/** A test needs no expensive verifier. */
const CHEAP = { parameters: { memory: 64, passes: 1, parallelism: 1 }, iterations: 4096 };
const PASSWORD = 'correct horse battery';
const IMAP: LogonContext = { protocol: 'imap', remoteAddress: '192.0.2.1', encrypted: true, channelBinding: null };
const AWAY = /PostgreSQL is away/;
const BACK = /PostgreSQL is back/;
/** What a disabled account hears. */
const DISABLED = 'CONTACTADMIN';

const through = (gate: Gate, url: string): string => {
  const own = new URL(url);
  own.host = `127.0.0.1:${gate.port}`;
  return own.href;
};

const placeOf = (url: string): { readonly host: string; readonly port: number } => {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port) };
};

describe('directory on PostgreSQL', { skip: postgresMissing() ?? false }, () => {
  let database: FreshDatabase;
  before(async () => {
    database = await freshDatabase();
  });
  after(async () => {
    await database.drop();
    await stopSharedPostgres();
  });

  test('servers that start at once on an empty database make one directory', async () => {
    const empty = await freshDatabase();
    const opened = await Promise.all(Array.from({ length: 5 }, () => openPostgresDirectory({ urls: [empty.url] })));
    const [first, last] = [opened[0], opened.at(-1)];
    assert.ok(first !== undefined && last !== undefined);
    await first.addDomain({ name: 'example.org', type: 'Authoritative', isDefault: true });
    await heardOrThere(last);
    const { rows } = await sql(empty.url, 'SELECT version FROM penfold_directory.schema_version');
    assert.deepEqual(rows, [{ version: SCHEMA_VERSION }]);
    for (const one of opened) await one.close();
    await empty.drop();
  });

  test('a newer schema and a database that is not UTF-8 are refused in clear words', async () => {
    const newer = await freshDatabase();
    await (await openPostgresDirectory({ urls: [newer.url] })).close();
    await sql(newer.url, 'UPDATE penfold_directory.schema_version SET version = version + 1');
    await refused(openPostgresDirectory({ urls: [newer.url] }), 'UNAVAILABLE', /newer Penfold.*start that version/);
    await sql(newer.url, "CREATE DATABASE ascii_of_this ENCODING SQL_ASCII TEMPLATE template0 LOCALE 'C'").catch(
      () => undefined,
    );
    const ascii = new URL(newer.url);
    ascii.pathname = '/ascii_of_this';
    await refused(
      openPostgresDirectory({ urls: [ascii.href] }),
      'UNAVAILABLE',
      /encoding SQL_ASCII; make one with UTF8/,
    );
    await sql(newer.url, 'DROP DATABASE ascii_of_this WITH (FORCE)');
    await newer.drop();
  });

  test('two servers that give away the same name at once: one of them is refused', async () => {
    const [one, two] = [
      await openPostgresDirectory({ urls: [database.url] }),
      await openPostgresDirectory({ urls: [database.url] }),
    ];
    const here = await smallOrganization(one);
    for (let round = 0; round < 20; round += 1) {
      const shared = `shared${round}@example.org`;
      const make = (directory: Directory, alias: string): Promise<unknown> =>
        directory.addAccount(
          person(here.database, alias, { mailbox: { database: here.database, addresses: [shared] } }),
        );
      const results = await Promise.allSettled([make(one, `a${round}`), make(two, `b${round}`)]);
      const lost = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
      assert.equal(lost.length, 1);
      assert.ok(lost[0] instanceof Failure && lost[0].code === 'ALREADYEXISTS', String(lost[0]));
    }
    await one.close();
    await two.close();
  });

  test('many servers add to one value and nobody overwrites another', async () => {
    const writers = await Promise.all(Array.from({ length: 4 }, () => openPostgresDirectory({ urls: [database.url] })));
    const [first] = writers;
    assert.ok(first !== undefined);
    const seen: number[] = [];
    const stop = first.watch((change) => {
      if (change.kind === 'site') seen.push(seen.length);
    });
    await Promise.all(
      writers.flatMap((writer, at) => Array.from({ length: 10 }, (_, n) => writer.addSite(`Site ${at}.${n}`))),
    );
    // The sequence of changes has no hole that somebody could fall into: all are heard, each once.
    const marker = heard(first, 'domain');
    await writers[3]?.addDomain({ name: 'last.example', type: 'Authoritative', isDefault: false });
    await marker;
    assert.equal(seen.length, 40);
    assert.equal((await first.sites()).filter((site) => site.name.startsWith('Site ')).length, 40);
    stop();
    for (const one of writers) await one.close();
  });

  test('a name with NUL, which PostgreSQL cannot hold, is unknown, not an outage', async () => {
    const directory = await openPostgresDirectory({ urls: [database.url] });
    assert.equal(await directory.accountByLogonName('a\0b'), null);
    assert.equal(await directory.accountByAddress('a\0@example.org'), null);
    await refused(
      directory.recordAudit({ action: 'a\0', objectKind: 'X', object: 'x', before: null, after: null }),
      'CANNOT',
      /NUL/,
    );
    await directory.close();
  });

  test('a writer that does not let go of the lock makes others say so, and reads go on', async () => {
    const directory = await openPostgresDirectory({ urls: [database.url] });
    const holder = new pg.Client({ connectionString: database.url });
    await holder.connect();
    await holder.query(`SELECT pg_advisory_lock(${WRITE_LOCK})`);
    const writing = refused(directory.addSite('Late'), 'UNAVAILABLE', /busy/);
    assert.equal(await directory.accountByLogonName('nobody'), null);
    await writing;
    assert.equal(directory.isReachable(), true);
    await holder.query(`SELECT pg_advisory_unlock(${WRITE_LOCK})`);
    await directory.addSite('Late');
    await holder.end();
    await directory.close();
  });

  test('no more connections than promised, however many ask', async () => {
    const directory = await openPostgresDirectory({ urls: [database.url] });
    await Promise.all(Array.from({ length: 200 }, (_, n) => directory.accountByLogonName(`nobody${n}`)));
    const { rows } = await sql(
      database.url,
      `SELECT count(*)::int AS open FROM pg_stat_activity WHERE application_name = 'penfold directory' AND datname = current_database()`,
    );
    assert.ok(rows[0].open >= 2 && rows[0].open <= POOL_SIZE + 1, String(rows[0].open));
    await directory.close();
  });

  test('connections that the server ends are made again without anybody noticing', async () => {
    const log = new ToldLog();
    const directory = await openPostgresDirectory({ urls: [database.url], log });
    assert.equal(await directory.accountByLogonName('nobody'), null);
    const back = log.next(BACK);
    await sql(
      database.url,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE application_name = 'penfold directory' AND datname = current_database()`,
    );
    await back;
    assert.equal(await directory.accountByLogonName('nobody'), null);
    await directory.addSite('Afterwards');
    await directory.close();
  });

  test('no password in what is thrown or logged', async () => {
    const log = new ToldLog();
    const secret = 'pass%20word';
    const urls = [
      `postgres://penfold:${secret}@127.0.0.1:1/mail`,
      `postgres://penfold:${secret}@127.0.0.1:99999/mail`,
      `postgres://penfold:${secret}@127.0.0.1:1/mail?sslmode=verify-full&sslrootcert=/nowhere/ca.pem`,
      `https://penfold:${secret}@db.example.org/mail`,
      `postgres://penfold:${secret}@/a b:c`,
    ];
    for (const url of urls) {
      await assert.rejects(openPostgresDirectory({ urls: [url], log }), (error) => {
        assert.ok(error instanceof Failure, String(error));
        for (let told: unknown = error; told instanceof Error; told = told.cause) {
          const text = `${told.message} ${told.stack} ${JSON.stringify(told)}`;
          assert.doesNotMatch(text, /pass(?:%20| )word/, text);
        }
        return true;
      });
    }
    assert.doesNotMatch(log.lines.join('\n'), /pass(?:%20| )word/);
  });

  test('of several places the one that takes writes is used', async () => {
    const readOnly = await freshDatabase();
    await sql(
      readOnly.url,
      `ALTER DATABASE ${new URL(readOnly.url).pathname.slice(1)} SET default_transaction_read_only = on`,
    );
    const dead = new URL(database.url);
    dead.port = '1';
    const urls = [dead.href, readOnly.url, database.url];
    const directory = await openPostgresDirectory({ urls });
    assert.ok((await directory.domains()).length > 0);
    await directory.close();
    await refused(openPostgresDirectory({ urls: urls.slice(0, 2) }), 'UNAVAILABLE', /read-only and takes no changes/);
    await readOnly.drop();
  });

  async function heardOrThere(directory: Directory): Promise<void> {
    if ((await directory.domains()).length === 0) {
      const news = heard(directory, 'domain');
      if ((await directory.domains()).length === 0) await news;
    }
    assert.equal((await directory.domains())[0]?.name, 'example.org');
  }
});

describe('directory on a PostgreSQL that goes away', { skip: postgresMissing() ?? false }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres({ durable: true });
  });
  after(() => server.stop());

  interface Stage {
    readonly gate: Gate;
    /** Through the gate. */
    readonly here: Directory;
    /** Another server, which has its own way. */
    readonly there: Directory;
    readonly log: ToldLog;
    readonly logon: (name: string, password?: string) => Promise<string>;
    readonly throttle: Throttle;
  }

  /** One directory, two servers: `ann` logged on here before, `bob` never. */
  async function stage(t: TestContext): Promise<Stage> {
    const name = `outage_${Math.random().toString(36).slice(2)}`;
    await sql(server.url, `CREATE DATABASE ${name}`);
    const url = new URL(server.url);
    url.pathname = `/${name}`;
    const gate = await openGate(placeOf(server.url));
    const log = new ToldLog();
    const there = await openPostgresDirectory({ urls: [url.href] });
    const { database } = await smallOrganization(there);
    const credentials = await makeCredentials(PASSWORD, CHEAP);
    for (const alias of ['ann', 'bob', 'eve']) await there.addAccount(person(database, alias, { credentials }));
    const here = await openPostgresDirectory({ urls: [through(gate, url.href)], log });
    const throttle = new Throttle();
    const authenticator = createAuthenticator({ directory: here, throttle, delay: async () => undefined });
    const logon = async (who: string, password = PASSWORD): Promise<string> => {
      try {
        const { account } = await soon(authenticator.password(who, password, IMAP), `logon of ${who}`);
        return account.alias;
      } catch (error) {
        if (error instanceof Failure) return error.code;
        throw error;
      }
    };
    t.after(async () => {
      await here.close();
      await there.close();
      await gate.close();
      await sql(server.url, `DROP DATABASE ${name} WITH (FORCE)`);
    });
    assert.equal(await logon('ann'), 'ann');
    return {
      gate,
      here,
      there,
      log,
      logon,
      throttle,
    };
  }

  for (const how of ['cut', 'hang'] as const) {
    test(`the way to it is gone (${how}): who is known logs on, nobody is told a wrong password, changes are refused`, async (t) => {
      const { gate, here, there, log, logon, throttle } = await stage(t);
      const away = log.next(AWAY);
      gate[how]();
      // The first ones come before anybody noticed.
      assert.deepEqual(await Promise.all([logon('ann'), logon('bob'), logon('nobody')]), [
        'ann',
        'UNAVAILABLE',
        'UNAVAILABLE',
      ]);
      await away;
      assert.equal(here.isReachable(), false);
      assert.equal(await logon('ann'), 'ann');
      assert.equal(await logon('ann@example.org'), 'UNAVAILABLE', 'a name that was never asked for');
      for (let attempt = 0; attempt < 20; attempt += 1) assert.equal(await logon('bob', 'guess'), 'UNAVAILABLE');
      assert.equal(throttle.remaining(IMAP.remoteAddress, 'bob@example.org'), 0, 'an outage counts as no failed logon');
      assert.equal(await logon('ann', 'wrong'), 'AUTHENTICATIONFAILED', 'a wrong password is wrong all the same');
      await refused(here.addSite('Refused'), 'UNAVAILABLE', /away/);
      await refused(here.auditLog({ limit: 1 }), 'UNAVAILABLE');

      // Meanwhile another server goes on.
      const bob = await there.accountByLogonName('bob');
      const ann = await there.accountByLogonName('ann');
      assert.ok(bob !== null && ann !== null);
      await there.changeAccount(ann.id, { enabled: false });
      await there.setOrganization({ maxSendSize: 4711 });
      assert.equal(await logon('ann'), 'ann', 'last known');

      const changes = [heard(here, 'account'), heard(here, 'organization')];
      const back = log.next(BACK);
      gate.heal();
      await back;
      assert.deepEqual(await Promise.all(changes), [
        { kind: 'account', id: ann.id },
        { kind: 'organization', id: null },
      ]);
      assert.equal(here.isReachable(), true);
      assert.equal((await here.organization()).maxSendSize, 4711);
      assert.equal(await logon('ann'), DISABLED);
      assert.equal(await logon('bob'), 'bob');
      await here.addSite('Accepted');
      assert.deepEqual([log.count(AWAY), log.count(BACK)], [1, 1], log.lines.join('\n'));
    });
  }

  test('the server crashes and comes back: what was acknowledged is there, what was changed meanwhile is seen', async (t) => {
    const { here, there, log, logon } = await stage(t);
    const away = log.next(AWAY);
    const back = log.next(BACK);
    for (const news of [away, back]) news.catch(() => undefined);
    await here.addSite('Before the crash');
    const restarted = server.restart('SIGKILL');
    await away;
    assert.equal(await logon('ann'), 'ann');
    await restarted;
    await back;
    assert.ok((await here.sites()).some((site) => site.name === 'Before the crash'));
    const news = heard(here, 'site');
    // This one may still be looking for the server.
    while (!there.isReachable()) await nextTurn();
    await there.addSite('After the crash');
    await news;
    assert.ok((await here.sites()).some((site) => site.name === 'After the crash'));
  });

  test('the way ends at the very COMMIT: nobody is told that the change was made, or that it was not', async (t) => {
    const { gate, here, there, log } = await stage(t);
    gate.endAt('COMMIT');
    await refused(here.addSite('Perhaps'), 'UNAVAILABLE', /see whether it was/);
    assert.ok((await there.sites()).every((site) => site.name !== 'Perhaps'));
    await here.addSite('Perhaps');
    // One connection broke, no server went away.
    assert.equal(log.count(AWAY), 0);
  });

  test('a question that was under way when the way ended is answered from what is known, or is UNAVAILABLE', async (t) => {
    const { gate, here, there } = await stage(t);
    await here.domains();
    // Outdated, so that the next one to ask has to read.
    const news = heard(here, 'domain');
    await there.addDomain({ name: 'example.net', type: 'Authoritative', isDefault: false });
    await news;
    gate.hang();
    const [domains] = await Promise.all([
      soon(here.domains(), 'domains'),
      refused(soon(here.disconnectedMailboxes(), 'mailboxes'), 'UNAVAILABLE'),
    ]);
    assert.deepEqual(
      domains.map((domain) => domain.name),
      ['example.org'],
    );
    gate.heal();
  });

  test('closing does not wait for a server that hangs, nor for one that is looked for', async (t) => {
    for (const how of ['hang', 'cut'] as const) {
      const { gate, here, log } = await stage(t);
      const away = log.next(AWAY);
      gate[how]();
      if (how === 'cut') await away;
      else away.catch(() => undefined);
      await soon(here.close(), 'closed');
    }
  });
});
