/** The audit log of every directory engine: each write method leaves its entry, with before and after by Exchange's names. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import type { Directory } from '../../src/directory/api.ts';
import { connectorForUsage } from '../../src/directory/connectors.ts';
import {
  type Account,
  accountId,
  type Actor,
  type AuditEntry,
  type ReceiveConnector,
} from '../../src/directory/model.ts';
import { clientAccessSchema } from '../../src/directory/settings/client-access.ts';
import { popSettingsSchema } from '../../src/directory/settings/mail-protocol.ts';
import { mailboxSchema } from '../../src/directory/settings/mailbox.ts';
import { transportConfigSchema } from '../../src/directory/settings/transport-config.ts';
import { Failure } from '../../src/observe/failure.ts';
import { auditedWrites } from './directory-audit-writes.ts';
import {
  type DirectoryUnderTest,
  type OpenDirectory,
  person,
  refused,
  type SmallOrganization,
  smallOrganization,
} from './directory-fixture.ts';

const ACTOR: Actor = { user: 'ada@example.org', via: 'shell', command: 'Set-Something' };

export function directoryAuditConformance(engine: string, open: OpenDirectory): void {
  describe(`audit log on ${engine}`, () => {
    let under: DirectoryUnderTest;
    let directory: Directory;
    let here: SmallOrganization;
    let connector: ReceiveConnector;
    const people = new Map<string, Account>();

    const the = (alias: string): Account => {
      const account = people.get(alias);
      assert.ok(account !== undefined);
      return account;
    };
    const keep = (account: Account): void => {
      people.set(account.alias, account);
    };

    before(async () => {
      under = await open();
      directory = under.directory;
      here = await smallOrganization(directory);
      keep(await directory.addAccount(person(here.database, 'sales', { kind: 'shared' })));
      connector = await directory.addConnector(
        connectorForUsage(here.server, 'Custom', {
          name: 'Printers',
          bindings: [{ address: '0.0.0.0', port: 25 }],
          remoteIpRanges: ['10.1.0.0/16'],
        }),
      );
    });
    after(() => under.close());

    const steps = auditedWrites({ here: () => here, connector: () => connector, keep, the });

    for (const [name, step] of Object.entries(steps)) {
      test(`${name} leaves its entry`, async () => {
        const last = (await directory.auditLog({ limit: 1 }))[0]?.id ?? 0;
        const begun = Date.now();
        await step.run(directory.as({ ...ACTOR, command: name }));
        const left = (await directory.auditLog({ limit: 100 })).filter((entry) => entry.id > last).reverse();
        assert.equal(left.length, step.leaves.length, JSON.stringify(left));
        for (const [at, { some, ...expected }] of step.leaves.entries()) {
          const entry = left[at];
          assert.ok(entry !== undefined);
          const { id: _, at: when, actor, ...rest } = entry;
          assert.ok(when >= begun && when <= Date.now());
          assert.deepEqual(actor, { ...ACTOR, command: name });
          if (some === true) {
            const pick = (given: AuditEntry['before'], like: AuditEntry['before']): AuditEntry['before'] =>
              given === null || like === null
                ? given
                : Object.fromEntries(Object.keys(like).map((key) => [key, given[key] ?? '(missing)']));
            assert.deepEqual(
              { ...rest, before: pick(rest.before, expected.before), after: pick(rest.after, expected.after) },
              expected,
            );
          } else assert.deepEqual(rest, expected);
        }
      });
    }

    test('no entry holds a secret, and none is made when nothing changes or the change is refused', async () => {
      const all = await directory.auditLog({ limit: 10_000 });
      assert.doesNotMatch(JSON.stringify(all), /argon2id|secret@|"salt|storedKey/);
      await directory.setOrganization({ maxSendSize: 36 * 1024 ** 2 });
      await directory.setService(here.server.id, 'imap4', { running: true });
      await refused(directory.setPopSettings(here.server.id, { maxCommandSize: 1 }), 'CANNOT');
      await refused(
        directory.addAccounts([person(here.database, 'new'), person(here.database, 'bob')]),
        'ALREADYEXISTS',
      );
      await refused(directory.removeAccount(the('ann').id), 'NONEXISTENT');
      assert.equal((await directory.auditLog({ limit: 1 }))[0]?.id, all[0]?.id);
    });

    test('a change without an actor is the server’s', async () => {
      await directory.addSite('Cork');
      const [entry] = await directory.auditLog({ limit: 1 });
      assert.deepEqual(entry?.actor, { user: 'server', via: 'server', command: '' });
    });

    test('a view shares everything but the name', async () => {
      const view = directory.as(ACTOR);
      const heard: string[] = [];
      const stop = view.watch((change) => heard.push(change.kind));
      await directory.addSite('Galway');
      assert.deepEqual(heard, ['site']);
      assert.equal(await view.sites(), await directory.sites());
      await view.as({ ...ACTOR, user: 'eve' }).addSite('Sligo');
      assert.equal((await directory.auditLog({ limit: 1 }))[0]?.actor.user, 'eve');
      stop();
    });

    test('a thousand accounts: an entry each', async () => {
      await directory.as(ACTOR).addAccounts(Array.from({ length: 1000 }, (_, n) => person(here.database, `u${n}`)));
      const entries = await directory.auditLog({ limit: 1000 });
      assert.equal(new Set(entries.map((entry) => entry.object)).size, 1000);
      assert.ok(entries.every((entry) => entry.action === 'created' && entry.actor.user === ACTOR.user));
    });
  });

  describe(`audit log on ${engine}: asking and purging`, () => {
    const HOUR = 3_600_000;
    const DAY = 24 * HOUR;

    test('filters by time, user, command and object, newest first, also far back', async () => {
      let now = 1_000 * DAY;
      const under = await open({ now: () => now });
      const { directory } = under;
      const record = (user: string, command: string, object: string): Promise<void> =>
        directory
          .as({ user, via: 'api', command })
          .recordAudit({ action: 'did', objectKind: 'Thing', object, before: null, after: null });
      await record('ada', 'Set-Mailbox', 'first');
      const here = await smallOrganization(directory);
      for (let batch = 0; batch < 9; batch += 1)
        await directory.addAccounts(Array.from({ length: 1000 }, (_, n) => person(here.database, `u${batch}.${n}`)));
      now += HOUR;
      await record('Ada', 'Get-Mail', 'Second');
      now += HOUR;
      await record('bob', 'Set-Mailbox', 'first');
      const objects = async (query: Parameters<Directory['auditLog']>[0]) =>
        (await directory.auditLog(query)).map((entry) => `${entry.actor.user} ${entry.object}`);
      assert.deepEqual(await objects({ limit: 10, object: 'FIRST' }), ['bob first', 'ada first']);
      assert.deepEqual(await objects({ limit: 1, object: 'first' }), ['bob first']);
      assert.deepEqual(await objects({ limit: 10, user: 'ADA' }), ['Ada Second', 'ada first']);
      assert.deepEqual(await objects({ limit: 10, command: 'set-mailbox' }), ['bob first', 'ada first']);
      assert.deepEqual(await objects({ limit: 10, command: 'set-mailbox', user: 'ada' }), ['ada first']);
      assert.deepEqual(await objects({ limit: 10, from: now - HOUR }), ['bob first', 'Ada Second']);
      assert.deepEqual(await objects({ limit: 10, from: now - HOUR, until: now }), ['Ada Second']);
      assert.deepEqual(await objects({ limit: 10, from: now + 1 }), []);
      assert.equal((await objects({ limit: 10_000 })).length, 9_000 + 3 + 5);
      await refused(directory.auditLog({ limit: 0 }), 'CANNOT', /1–10000/);
      await refused(directory.auditLog({ limit: 10_001 }), 'CANNOT');
      await under.close();
    });

    test('the log tells the whole story: each "before" is what the entries so far came to, the last "after" is now', async () => {
      const under = await open();
      const { directory } = under;
      const here = await smallOrganization(directory);
      const ids = (await directory.addAccounts([person(here.database, 'ann'), person(here.database, 'bob')])).map(
        (account) => account.id,
      );
      const who = fc.nat({ max: 1 }).map((n) => ids[n] ?? accountId('none'));
      const size = fc.constantFrom(1, 1024, 5000, Infinity);
      const flag = fc.boolean();
      const command = fc.oneof(
        fc.tuple(who, size, size, flag).map(([id, prohibitSendQuota, maxSendSize, useDatabaseQuotaDefaults]) => {
          const patch = { prohibitSendQuota, maxSendSize, useDatabaseQuotaDefaults };
          return () => directory.setMailboxSettings(id, patch);
        }),
        fc.tuple(who, flag, flag).map(
          ([id, popEnabled, imapEnabled]) =>
            () =>
              directory.setClientAccess(id, { popEnabled, imapEnabled }),
        ),
        fc.tuple(who, flag, fc.constantFrom('A', 'B')).map(
          ([id, enabled, displayName]) =>
            () =>
              directory.changeAccount(id, { enabled, displayName }),
        ),
        fc
          .integer({ min: 39, max: 42 })
          .map((maxCommandSize) => () => directory.setPopSettings(here.server.id, { maxCommandSize })),
        size.map((maxSendSize) => () => directory.setOrganization({ maxSendSize })),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(command, { maxLength: 20 }), async (commands) => {
          for (const run of commands) {
            try {
              await run();
            } catch (error) {
              // Refused changes are part of the story: they leave nothing.
              assert.ok(error instanceof Failure, String(error));
            }
          }
        }),
        { numRuns: 20 },
      );
      const told = new Map<string, Record<string, string>>();
      for (const entry of [...(await directory.auditLog({ limit: 10_000 }))].reverse()) {
        const name = `${entry.objectKind} ${entry.object}`;
        const known = told.get(name) ?? {};
        for (const [key, text] of Object.entries(entry.before ?? {}))
          if (known[key] !== undefined) assert.equal(text, known[key], `${entry.id} ${name} ${key}`);
        told.set(name, { ...known, ...entry.after });
      }
      const now = (values: ReadonlyArray<readonly [string, string]>, name: string): void => {
        const story = told.get(name) ?? {};
        for (const [key, text] of values)
          if (story[key] !== undefined) assert.equal(story[key], text, `${name} ${key}`);
      };
      for (const id of ids) {
        const alias = (await directory.account(id))?.alias ?? '';
        now(mailboxSchema.format(await directory.mailboxSettings(id)), `Mailbox ${alias}`);
        now(clientAccessSchema.format(await directory.clientAccess(id)), `CASMailbox ${alias}`);
      }
      now(popSettingsSchema.format(await directory.popSettings(here.server.id)), 'PopSettings MAIL1');
      now(transportConfigSchema.format(await directory.organization()), 'TransportConfig Contoso');
      await under.close();
    });

    test('what is too old or too many goes when a directory opens', async (t) => {
      let now = 1_000 * DAY;
      const under = await open({ now: () => now, auditRetention: { days: 90, entries: 5 } });
      const { directory } = under;
      const sites = async (from: Directory): Promise<string[]> => {
        // The purge runs beside what opened the directory: it is over when nothing is too much any more.
        for (;;) {
          const entries = await from.auditLog({ limit: 100 });
          if (entries.length <= 5) return entries.map((entry) => entry.object);
        }
      };
      for (const name of ['one', 'two', 'three']) await directory.addSite(name);
      now += 60 * DAY;
      for (const name of ['four', 'five', 'six', 'seven']) await directory.addSite(name);
      const second = await under.another();
      if (second === null) {
        await under.close();
        return t.skip('this engine is private to its process');
      }
      assert.deepEqual(await sites(second), ['seven', 'six', 'five', 'four', 'three']);
      now += 31 * DAY;
      const third = await under.another();
      assert.ok(third !== null);
      for (let entries = 5; entries > 4; ) entries = (await third.auditLog({ limit: 100 })).length;
      assert.deepEqual(await sites(third), ['seven', 'six', 'five', 'four']);
      assert.deepEqual(await sites(directory), ['seven', 'six', 'five', 'four']);
      await second.close();
      await third.close();
      await under.close();
    });
  });
}
