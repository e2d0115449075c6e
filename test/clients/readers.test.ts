/** mutt and neomutt open the mailbox in a terminal, read, reply-flag, copy and delete; certificate checks on. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Instance, needs, run, sample, startInstance, writeScratch } from './instance.ts';
import { appendSamples, subjects } from './libraries.ts';

describe('terminal readers', () => {
  let instance: Instance;
  before(async () => {
    instance = await startInstance();
  });
  after(() => instance.close());

  for (const [index, program] of (['mutt', 'neomutt'] as const).entries()) {
    test(`${program} copies one message out, moves one, deletes one`, { skip: needs(program, 'script') }, async () => {
      const who = instance.user(index);
      await appendSamples(
        instance,
        who,
        'INBOX',
        [`keep ${program}`, `move ${program}`, `delete ${program}`].map((subject) => sample(subject)),
      );
      const saved = path.join(instance.scratch, `${program}-saved`);
      // A pushed key sequence drives the program as a person would.
      const keys = [
        `<limit>~s 'keep ${program}'<enter><copy-message><kill-line>${saved}<enter>`,
        `<limit>~s 'move ${program}'<enter><save-message><kill-line>=Archive<enter>`,
        `<limit>~s 'delete ${program}'<enter><delete-message>`,
        '<limit>all<enter><sync-mailbox><quit>',
      ].join('');
      const config = writeScratch(
        instance,
        `${program}rc`,
        `set imap_user="${who.address}"\nset imap_pass="${who.password}"\nset folder="imaps://localhost:${instance.imaps().port}/"\nset spoolfile="+INBOX"\nset certificate_file="${instance.scratch}/accepted"\nset ssl_ca_certificates_file="${instance.ca}"\nset ssl_usesystemcerts=no\nset ssl_force_tls=yes\nset delete=yes\nset quit=yes\nset confirmappend=no\nset confirmcreate=no\nset move=no\nset trash=""\nset mail_check=60\nset header_cache=""\npush "${keys.replaceAll('"', '\\"')}"\n`,
      );
      const result = await run('script', ['-qec', `${program} -F ${config}`, '/dev/null'], {
        env: { HOME: instance.scratch, TERM: 'xterm', LINES: '40', COLUMNS: '120' },
        timeoutMs: 40_000,
      });
      assert.ok(existsSync(saved), `${program} saved nothing: ${result.stdout.slice(-2000)}`);
      assert.match(readFileSync(saved, 'latin1'), new RegExp(`Subject: keep ${program}`));
      const inbox = await subjects(instance, who, 'INBOX');
      assert.ok(inbox.includes(`keep ${program}`));
      assert.ok(
        !inbox.includes(`delete ${program}`) && !inbox.includes(`move ${program}`),
        `still there: ${inbox.join(', ')}`,
      );
      assert.ok((await subjects(instance, who, 'Archive')).includes(`move ${program}`));
    });
  }
});
