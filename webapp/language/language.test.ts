/** Every language has the words of every other one, with the same gaps to fill. */
import assert from 'node:assert/strict';
import { glob, readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';

const folder = import.meta.dirname;

async function wordsOf(language: string): Promise<ReadonlyMap<string, string>> {
  const words = new Map<string, string>();
  const walk = (value: unknown, key: string): void => {
    if (typeof value === 'string') words.set(key, value);
    else if (typeof value === 'object' && value !== null)
      for (const [name, inner] of Object.entries(value)) walk(inner, `${key}.${name}`);
    else assert.fail(`${language}: ${key} is no text`);
  };
  for await (const file of glob('*.json', { cwd: path.join(folder, language) }))
    walk(JSON.parse(await readFile(path.join(folder, language, file), 'utf8')), file);
  return words;
}

const gaps = (text: string): readonly string[] => (text.match(/\{\{[^}]+\}\}|<\/?\d+>/g) ?? []).toSorted();

test('English and Spanish have the same words', async () => {
  const [english, spanish] = await Promise.all([wordsOf('en'), wordsOf('es')]);
  assert.ok(english.size > 20, 'words were found');
  assert.deepEqual([...spanish.keys()].toSorted(), [...english.keys()].toSorted());
  for (const [key, text] of english) {
    assert.deepEqual(gaps(spanish.get(key) ?? ''), gaps(text), key);
    assert.notEqual(text.trim(), '', key);
    assert.notEqual(spanish.get(key)?.trim(), '', key);
  }
});
