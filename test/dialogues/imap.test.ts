/**
 * Plays every script in dialogues/imap on every engine. Scripts are the readable half of the IMAP tests: each command
 * in each state it may meet, and each mistake of other servers (field-study.md B) in our own words.
 */
import { glob, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { play } from '../support/dialogue.ts';
import { parseScript } from '../support/dialogue-script.ts';
import { engines } from '../support/dialogue-engines.ts';
import { openImapStage } from '../support/dialogue-imap.ts';

const folder = path.join(import.meta.dirname, 'imap');
const files: string[] = [];
for await (const file of glob('**/*.txt', { cwd: folder })) {
  // The states before logon belong to the front end, which plays those itself.
  if (!file.startsWith('not-authenticated')) files.push(file);
}
assert.ok(files.length > 0, 'no dialogue scripts found');

for (const engine of engines) {
  describe(`IMAP dialogues on ${engine.name}`, { concurrency: 4 }, async () => {
    for (const file of files.sort()) {
      for (const scenario of parseScript(await readFile(path.join(folder, file), 'utf8'), file)) {
        test(`${file}: ${scenario.title}`, async () => {
          const stage = await openImapStage(await engine.open());
          await play(scenario, file, stage);
          assert.deepEqual(stage.errors, []);
        });
      }
    }
  });
}
