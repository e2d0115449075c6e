/**
 * Two kinds of dialogue: every script of test/dialogues is played again on mailboxes that are rendered, with a wish
 * that touches none of their messages, so a session must not notice; and scripts of this folder show what it does
 * notice.
 */
import assert from 'node:assert/strict';
import { glob, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import type { RenderingWish } from '../../src/message/render/wish.ts';
import { openPop3Stage } from '../dialogues/pop3/stage.ts';
import { play } from '../support/dialogue.ts';
import { engines } from '../support/dialogue-engines.ts';
import { openImapStage } from '../support/dialogue-imap.ts';
import { parseScript } from '../support/dialogue-script.ts';
import { renderedDatabase } from './rendered-database.ts';

const LINKS_ONLY: RenderingWish = { format: 'BestBodyFormat', calendarLinkBase: 'https://mail.example.test' };
const TEXT_ONLY: RenderingWish = { format: 'TextOnly', calendarLinkBase: 'https://mail.example.test' };

async function scripts(folder: string, pattern: string): Promise<string[]> {
  const files: string[] = [];
  for await (const file of glob(pattern, { cwd: folder })) files.push(path.join(folder, file));
  assert.ok(files.length > 0, `no scripts in ${folder}`);
  return files.sort();
}

const dialogues = path.join(import.meta.dirname, '..', 'dialogues');
/** STATUS SIZE of a folder that no session has open is an upper bound (RFC 8438 §2): these say the exact sum. */
const EXACT_SIZE = /STATUS.*\bSIZE\b/;

const sets = [
  {
    name: 'IMAP unnoticed',
    files: await scripts(path.join(dialogues, 'imap'), '*.txt'),
    wish: LINKS_ONLY,
    protocol: 'imap',
  },
  {
    name: 'POP3 unnoticed',
    files: await scripts(path.join(dialogues, 'pop3', 'transaction'), '*.txt'),
    wish: LINKS_ONLY,
    protocol: 'pop3',
  },
  { name: 'IMAP rendered', files: await scripts(import.meta.dirname, 'imap-*.txt'), wish: TEXT_ONLY, protocol: 'imap' },
  { name: 'POP3 rendered', files: await scripts(import.meta.dirname, 'pop3-*.txt'), wish: TEXT_ONLY, protocol: 'pop3' },
] as const;

const [engine] = engines;
assert.ok(engine !== undefined);
for (const { name, files, wish, protocol } of sets) {
  describe(name, { concurrency: 4 }, async () => {
    for (const file of files) {
      const text = await readFile(file, 'utf8');
      for (const scenario of parseScript(text, path.basename(file))) {
        const asksForSize = scenario.steps.some(({ action }) => action.kind === 'send' && EXACT_SIZE.test(action.text));
        test(`${path.basename(file)}: ${scenario.title}`, { skip: asksForSize && 'asks for STATUS SIZE' }, async () => {
          const database = renderedDatabase(await engine.open(), wish);
          const stage = await (protocol === 'imap' ? openImapStage(database) : openPop3Stage(database));
          await play(scenario, path.basename(file), stage);
        });
      }
    }
  });
}
