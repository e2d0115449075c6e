/** Programs that keep a local copy in step: mbsync and offlineimap3, both ways; certificate checks on. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Instance, type MailboxLogon, needs, runOk, sample, startInstance, writeScratch } from './instance.ts';
import { appendSamples, subjects, withImapFlow } from './libraries.ts';

interface Found {
  readonly file: string;
  readonly text: string;
}

function maildir(directory: string): Found[] {
  return ['new', 'cur'].flatMap((sub) =>
    readdirSync(path.join(directory, sub)).map((name) => {
      const file = path.join(directory, sub, name);
      return { file, text: readFileSync(file, 'latin1') };
    }),
  );
}

function bySubject(directory: string, subject: string): Found {
  const found = maildir(directory).find(({ text }) => text.includes(`Subject: ${subject}`));
  assert.ok(found !== undefined, `${subject} is not in the local copy`);
  return found;
}

function setFlags(found: Found, flags: string): void {
  const base = path.basename(found.file).split(':2,')[0];
  renameSync(found.file, path.join(path.dirname(path.dirname(found.file)), 'cur', `${base}:2,${flags}`));
}

async function flagsOf(instance: Instance, who: MailboxLogon, subject: string): Promise<Set<string>> {
  return withImapFlow(instance, who, async (client) => {
    const lock = await client.getMailboxLock('INBOX');
    try {
      for await (const message of client.fetch('1:*', { envelope: true, flags: true })) {
        if (message.envelope?.subject === subject) return message.flags ?? new Set<string>();
      }
    } finally {
      lock.release();
    }
    throw new Error(`${subject} is not on the server`);
  });
}

describe('synchronizers', () => {
  let instance: Instance;
  before(async () => {
    instance = await startInstance();
  });
  after(() => instance.close());

  /** The same story for both programs: what comes down, what goes up, flags and deletions both ways. */
  async function story(who: MailboxLogon, local: string, sync: () => Promise<void>): Promise<void> {
    await appendSamples(
      instance,
      who,
      'INBOX',
      ['down one', 'down two', 'to be deleted here', 'to be deleted there'].map((subject) => sample(subject)),
    );
    await sync();
    assert.equal(bySubject(local, 'down one').text.replaceAll('\r\n', '\n').includes('.a line with a dot'), true);

    writeFileSync(path.join(local, 'cur', `1700000000.1_1.local:2,S`), sample('up one').replaceAll('\r\n', '\n'));
    setFlags(bySubject(local, 'down one'), 'FS');
    rmSync(bySubject(local, 'to be deleted here').file);
    await withImapFlow(instance, who, async (client) => {
      const lock = await client.getMailboxLock('INBOX');
      try {
        const uids: number[] = [];
        const answered: number[] = [];
        for await (const message of client.fetch('1:*', { envelope: true, uid: true })) {
          if (message.envelope?.subject === 'to be deleted there') uids.push(message.uid);
          if (message.envelope?.subject === 'down two') answered.push(message.uid);
        }
        await client.messageFlagsAdd(answered.join(','), ['\\Answered'], { uid: true });
        await client.messageDelete(uids.join(','), { uid: true });
      } finally {
        lock.release();
      }
    });
    await sync();

    const there = await subjects(instance, who, 'INBOX');
    assert.ok(there.includes('up one'), 'the local message did not go up');
    assert.ok(!there.includes('to be deleted here'), 'the local deletion did not go up');
    assert.ok(
      !maildir(local).some(({ text }) => text.includes('Subject: to be deleted there')),
      'the deletion did not come down',
    );
    const flags = await flagsOf(instance, who, 'down one');
    assert.ok(flags.has('\\Flagged') && flags.has('\\Seen'), 'the flags did not go up');
    assert.match(path.basename(bySubject(local, 'down two').file), /:2,.*R/, 'the flag did not come down');
    const count = there.length;
    await sync();
    assert.equal((await subjects(instance, who, 'INBOX')).length, count, 'a third run changed something');
  }

  test('mbsync, two-way', { skip: needs('mbsync') }, async () => {
    const who = instance.user(0);
    const local = path.join(instance.scratch, 'mbsync');
    mkdirSync(local);
    const config = writeScratch(
      instance,
      'mbsyncrc',
      `IMAPAccount a\nHost localhost\nPort ${instance.imaps().port}\nUser ${who.address}\nPass "${who.password}"\nSSLType IMAPS\nCertificateFile ${instance.ca}\n\nIMAPStore far\nAccount a\n\nMaildirStore near\nPath ${local}/\nInbox ${local}/INBOX\nSubFolders Verbatim\n\nChannel c\nFar :far:\nNear :near:\nPatterns *\nCreate Both\nExpunge Both\nSyncState *\n`,
    );
    await story(
      who,
      path.join(local, 'INBOX'),
      async () => void (await runOk('mbsync', ['-c', config, '-a'], { env: { HOME: instance.scratch } })),
    );
    assert.ok(readdirSync(local).includes('Sent'), 'the other folders were not created');
  });

  test('offlineimap3, two-way', {
    skip: needs('offlineimap3') || needs('offlineimap') ? needs('offlineimap') : false,
  }, async () => {
    const who = instance.user(1);
    const local = path.join(instance.scratch, 'offlineimap');
    const config = writeScratch(
      instance,
      'offlineimaprc',
      `[general]\naccounts = a\nmetadata = ${instance.scratch}/offlineimap-meta\nui = basic\n[Account a]\nlocalrepository = near\nremoterepository = far\n[Repository near]\ntype = Maildir\nlocalfolders = ${local}\n[Repository far]\ntype = IMAP\nremotehost = localhost\nremoteport = ${instance.imaps().port}\nremoteuser = ${who.address}\nremotepass = ${who.password}\nssl = yes\nsslcacertfile = ${instance.ca}\n`,
    );
    await story(
      who,
      path.join(local, 'INBOX'),
      async () => void (await runOk('offlineimap', ['-o', '-c', config], { env: { HOME: instance.scratch } })),
    );
  });
});
