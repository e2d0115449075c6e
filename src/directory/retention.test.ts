import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openSqliteDirectory } from './engine/sqlite/directory.ts';
import { expiredMailboxes } from './retention.ts';

const DAY = 86_400_000;

test('a removed mailbox is kept for MailboxRetention of its database', async () => {
  let now = 1000 * DAY;
  const directory = await openSqliteDirectory({ file: ':memory:', now: () => now });
  const site = await directory.addSite('S');
  const fields = { name: 'A', fqdn: 'a.example.org', site: site.id, frontEnd: true, backEnd: true };
  const server = await directory.addServer(fields);
  for (const name of ['long', 'short']) {
    const database = await directory.addDatabase({ name, server: server.id, engine: 'sqlite', location: name });
    if (name === 'short') await directory.setDatabaseSettings(database.id, { mailboxRetention: 86_400 });
    const account = await directory.addAccount({
      kind: 'user',
      displayName: name,
      alias: name,
      userPrincipalName: `${name}@example.org`,
      mailbox: { database: database.id, addresses: [`${name}@example.org`] },
      credentials: null,
    });
    await directory.removeAccount(account.id);
    now += 1;
  }
  const expired = async (at: number) => (await expiredMailboxes(directory, at)).map((one) => one.alias);
  const begun = 1000 * DAY;
  assert.deepEqual(await expired(begun), []);
  assert.deepEqual(await expired(begun + DAY), []);
  assert.deepEqual(await expired(begun + DAY + 1), ['short']);
  assert.deepEqual(await expired(begun + 30 * DAY - 1), ['short']);
  assert.deepEqual(await expired(begun + 30 * DAY), ['long', 'short']);
  for (const mailbox of await expiredMailboxes(directory, begun + 30 * DAY)) await directory.forgetMailbox(mailbox.id);
  assert.deepEqual(await expired(begun + 30 * DAY), []);
  await directory.close();
});
