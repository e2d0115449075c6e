/**
 * No parameter of exchange-behaviour.md §1.2, §2 and §3.4 is forgotten: each has a dialogue in the tables of effects,
 * names the test that shows it, or stands in the parity document with the reason why nothing can be seen.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { CAS_ROWS, CONNECTOR_ROWS, IMAP_ROWS, LEFT_OUT, POP_ROWS } from '../management/settings-reference.ts';
import { CAS_EFFECTS } from './cas-mailbox-effects.ts';
import { CONNECTOR_EFFECTS } from './connector-effects.ts';
import type { EffectTable } from './effects.ts';
import { IMAP_EFFECTS, POP_EFFECTS } from './mail-protocol-effects.ts';
import { SettingsStage } from './stage.ts';

const root = path.join(import.meta.dirname, '..', '..');

const TABLES: ReadonlyArray<readonly [EffectTable, names: readonly string[]]> = [
  [POP_EFFECTS, POP_ROWS.map(({ name }) => name)],
  [IMAP_EFFECTS, IMAP_ROWS.map(({ name }) => name)],
  [CAS_EFFECTS, CAS_ROWS.map(({ name }) => name)],
  [CONNECTOR_EFFECTS, CONNECTOR_ROWS.map(({ name }) => name)],
];

for (const [table, names] of TABLES) {
  test(`${table.noun}: every parameter of the reference has its row`, () => {
    const shown = [...table.effects, ...table.elsewhere].map(({ name }) => name);
    const covered = new Set([...shown, ...table.parity]);
    assert.deepEqual(
      names.filter((name) => !covered.has(name)),
      [],
    );
    assert.deepEqual(
      table.parity.filter((name) => shown.includes(name)),
      [],
      'what has an effect needs no excuse',
    );
  });

  test(`${table.noun}: tests that are pointed at are there`, async () => {
    for (const { name, file, title } of table.elsewhere) {
      const texts = await Promise.all(
        ['src', 'test'].map((folder) => readFile(path.join(root, folder, file), 'utf8').catch(() => '')),
      );
      assert.ok(texts.join('').includes(title), `${name}: ${file} has no test «${title}»`);
    }
  });

  test(`${table.noun}: the parity document says why a parameter has no effect`, async () => {
    const document = await readFile(path.join(root, 'docs/exchange-parity.md'), 'utf8');
    const rows = document.split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
    for (const name of table.parity) {
      const row = rows.find(([, first = '', state = '']) => first.split(/, | \(/).includes(name) && state !== 'acts');
      const note = rows.find(([, first = '']) => first === name);
      const found = row ?? note;
      assert.ok(found !== undefined, `${name} has no row`);
      const reason = found.slice(3).join(' ').trim();
      assert.ok(reason.length > 5, `${name} has no reason`);
    }
  });
}

test('what was left out of the cmdlets is in a table, too', () => {
  const excused = new Set(TABLES.flatMap(([table]) => table.parity));
  for (const name of LEFT_OUT) assert.ok(excused.has(name), name);
});

test('BINARYMIME is not offered, whatever BinaryMimeEnabled says', async () => {
  const stage = await SettingsStage.open();
  try {
    const talk = await stage.smtp();
    talk.send('EHLO client.example.com\r\nMAIL FROM:<a@b.example> BODY=BINARYMIME\r\n');
    const said = await talk.until(/\r\n501 .*\r\n$/);
    assert.doesNotMatch(said, /250[ -]BINARYMIME/);
    await stage.everybodyLeaves();
  } finally {
    await stage.close();
  }
});
