/**
 * The IMAP scripts once more, played by clients of a front end whose users have their mailboxes on another server:
 * what comes through a relay is what comes without one.
 */
import assert from 'node:assert/strict';
import { glob, readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { LineClient } from '../dialogues/imap/not-authenticated/server.ts';
import { createMailboxes } from '../../src/management/mailboxes.ts';
import { connected, play, type Stage } from '../support/dialogue.ts';
import { fill } from '../support/dialogue-imap.ts';
import { parseScript } from '../support/dialogue-script.ts';
import { type ManyServers, startServers } from '../support/many-servers.ts';
import { cheapCredentials, TEST_DOMAIN } from '../support/organization.ts';
import { connect } from 'node:net';

/** As the stage of the plain scripts has it. */
const MAX_MESSAGE_SIZE = 100_000;
const STORAGE_LIMIT = 10 * 1024 * 1024;
const PASSWORD = 'of all of them';

const folder = path.join(import.meta.dirname, '..', 'dialogues', 'imap');
const files: string[] = [];
for await (const file of glob('*.txt', { cwd: folder })) files.push(file);
assert.ok(files.length > 0, 'no dialogue scripts found');

let servers: ManyServers;
let users = 0;
const credentials = cheapCredentials(PASSWORD);
before(async () => {
  servers = await startServers({
    engine: 'memory',
    servers: ['MBX1', { name: 'FE1', roles: { frontEnd: true, backEnd: false } }],
    users: {},
    prepare: async ({ directory, servers: all }) => {
      await directory.setOrganization({ maxReceiveSize: MAX_MESSAGE_SIZE });
      for (const { id, frontEnd } of all)
        if (frontEnd) await directory.setImapSettings(id, { loginType: 'PlainTextLogin' });
    },
  });
});
after(() => servers.stop());

async function stage(): Promise<Stage> {
  users += 1;
  const address = `user${users}@${TEST_DOMAIN}`;
  const { directory } = servers;
  const [account] = await createMailboxes(directory, {
    address,
    count: null,
    displayName: null,
    database: null,
    credentials: await credentials,
  });
  if (account?.mailbox === null || account === undefined) throw new Error('no mailbox was made');
  await directory.setMailboxSettings(account.id, {
    useDatabaseQuotaDefaults: false,
    issueWarningQuota: STORAGE_LIMIT - 2,
    prohibitSendQuota: STORAGE_LIMIT - 1,
    prohibitSendReceiveQuota: STORAGE_LIMIT,
  });
  const database = servers.server('MBX1').running.databaseOf(account);
  const mailbox = await database.open(account.mailbox.id);
  const { ports } = servers.server('FE1');
  return {
    setUp: (steps) => fill(database, mailbox, steps),
    connect: async (): Promise<Socket> => {
      const client = new LineClient(await connected(connect(ports.imap.plain, '127.0.0.1')));
      await client.line();
      assert.match(await client.imap(`l LOGIN ${address} "${PASSWORD}"`), /^l OK/);
      return client.release();
    },
    close: async () => mailbox.close(),
  };
}

describe('IMAP dialogues through a relay', { concurrency: 4 }, async () => {
  for (const file of files.sort()) {
    for (const scenario of parseScript(await readFile(path.join(folder, file), 'utf8'), file)) {
      test(`${file}: ${scenario.title}`, async () => play(scenario, file, await stage()));
    }
  }
});
