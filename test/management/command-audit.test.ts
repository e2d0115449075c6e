/** Commands that change the directory outside the door leave the name of the system user and the command, too. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { dataLayout } from '../../src/config/data-directory.ts';
import { openDirectory } from '../../src/main/open-directory.ts';
import { penfold } from '../support/child-server.ts';

test('who and with which command: domain, mailbox, password, service, export, remove', async () => {
  const root = await mkdtemp(path.join(tmpdir(), 'penfold-command-audit-'));
  try {
    const data = path.join(root, 'data');
    const secret = path.join(root, 'secret.txt');
    await writeFile(secret, 'correct horse battery\n');
    const words = (line: string): string[] => [...line.split(' '), '--data', data];
    const done = async (line: string): Promise<void> => {
      const end = await penfold(words(line));
      assert.equal(end.code, 0, `${line}\n${end.stderr}`);
    };
    await done(`setup --domain example.test --fqdn mail.example.test --admin-password-file ${secret}`);
    await done('domain add second.test');
    await done(`mailbox create ada@example.test --password-file ${secret}`);
    await done(`password set ada@example.test --password-file ${secret}`);
    await done('service enable pop3');
    await done(`export ${path.join(root, 'out')} --mailbox ada@example.test`);
    await done('mailbox remove ada@example.test --purge --yes');
    const directory = await openDirectory(dataLayout(data));
    try {
      const user = `local:${userInfo().username}`;
      const entries = (await directory.auditLog({ limit: 1000, user })).toReversed();
      const said = entries.map((one) => `${one.actor.command}: ${one.action} ${one.objectKind} ${one.object}`);
      for (const expected of [
        'penfold domain add: created AcceptedDomain second.test',
        'penfold mailbox create: created Mailbox ada',
        'penfold password set: changed Mailbox ada',
        'penfold export: exported MailboxContent ada',
        'penfold mailbox remove: removed Mailbox ada',
        'penfold mailbox remove: removed DisconnectedMailbox ada',
      ])
        assert.ok(said.includes(expected), `${expected} is not among\n${said.join('\n')}`);
      assert.ok(said.some((one) => one.startsWith('penfold service enable: changed')));
      assert.deepEqual(await directory.disconnectedMailboxes(), [], 'purged: nothing left to connect');
    } finally {
      await directory.close();
    }
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});
