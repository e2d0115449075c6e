import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { controlSocketPath, dataLayout } from './data-directory.ts';
import { nearestName } from './nearest-name.ts';
import { ConfigurationError, defaultConfiguration, parseConfiguration } from './read.ts';
import { configurationReference, configurationTemplate } from './reference.ts';
import { configurationKeys } from './schema.ts';

test('an empty file means all defaults', () => {
  const configuration = defaultConfiguration();
  assert.equal(configuration.log.level, 'info');
  assert.equal(configuration.control.socket, 'run/control.sock');
});

const refused: ReadonlyArray<[string, RegExp]> = [
  ['[log]\nlevle = "info"', /no key `log\.levle`, did you mean `level`\?/],
  ['[lgo]\nlevel = "info"', /no section \[lgo\], did you mean \[log\]\?/],
  ['level = "info"', /`level` belongs below \[log\]/],
  ['[log]\nlevel = "loud"', /`log\.level` is "loud", must be one of \(`debug`, `info`/],
  ['[shutdown]\ndrain_seconds = 601', /`shutdown\.drain_seconds` is 601, must be whole number \(0–600\)/],
  ['[shutdown]\ndrain_seconds = 1.5', /must be whole number/],
  ['[shutdown]\ndrain_seconds = "20"', /is "20", must be whole number/],
  [
    '[mailboxes]\nretention_days = 30',
    /`mailboxes\.retention_days` is gone: .* Set-MailboxDatabase NAME -DeletedItemRetention/,
  ],
  ['log = 1', /`log` must be a section/],
  ['[log\nlevel = 1', /line 1, column/],
];
for (const [text, message] of refused) {
  test(`refused: ${JSON.stringify(text)}`, () => {
    assert.throws(
      () => parseConfiguration(text, 'penfold.toml'),
      (error) => error instanceof ConfigurationError && message.test(error.message),
    );
  });
}

test('the heading that setup of an earlier version wrote over a retired key is no mistake', () => {
  assert.deepEqual(parseConfiguration('[mailboxes]\n# retention_days = 14\n', 't'), defaultConfiguration());
});

test('the written template is read back as the defaults plus what was set', () => {
  const text = configurationTemplate(new Map([['server.name', 'MX "1"']]));
  assert.deepEqual(parseConfiguration(text, 't'), { ...defaultConfiguration(), server: { name: 'MX "1"' } });
  // Every commented default is a valid line, too.
  const all = text.replaceAll(/^# (\w+ = )/gm, '$1');
  assert.doesNotThrow(() => parseConfiguration(all, 't'));
});

test('every key has a help text, and the documentation is the one made from the schema', async () => {
  for (const key of configurationKeys()) assert.notEqual(key.help, '', `${key.section}.${key.key}`);
  const file = path.join(import.meta.dirname, '..', '..', 'docs', 'admin', 'configuration.md');
  assert.equal(await readFile(file, 'utf8'), configurationReference());
});

test('nearest names', () => {
  assert.equal(nearestName('drainSeconds', ['drain_seconds', 'level']), 'drain_seconds');
  assert.equal(nearestName('levle', ['drain_seconds', 'level']), 'level');
  assert.equal(nearestName('zzzz', ['drain_seconds', 'level']), null);
});

test('a control socket whose path is too long for the system goes to a short one', () => {
  const short = dataLayout('/d');
  assert.equal(controlSocketPath(short, 'run/control.sock'), '/d/run/control.sock');
  const deep = dataLayout(`/${'d'.repeat(120)}`);
  const moved = controlSocketPath(deep, 'run/control.sock');
  assert.ok(Buffer.byteLength(moved) <= 107);
  assert.equal(moved, controlSocketPath(deep, 'run/control.sock'));
});
