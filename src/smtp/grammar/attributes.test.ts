import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SMTP_ATTRIBUTES } from '../../wire/limits.ts';
import { parseAttributes, printAttributes } from './attributes.ts';

const parsed = (text: string): Record<string, string> | string => {
  const found = parseAttributes(text);
  return found.kind === 'ok' ? Object.fromEntries(found.attributes) : found.reason;
};

test('attributes of any text come back', () => {
  const names = fc.stringMatching(/^[A-Z][A-Z0-9]{0,20}$/);
  const values = fc.string({ unit: 'grapheme' }).filter((text) => text.isWellFormed() && !/[\x00-\x1f\x7f]/.test(text));
  const maps = fc.array(fc.tuple(names, values), { minLength: 1, maxLength: SMTP_ATTRIBUTES });
  fc.assert(
    fc.property(maps, (pairs) => {
      const attributes = new Map(pairs);
      const text = printAttributes(attributes);
      assert.match(text, /^[ -~]*$/);
      assert.deepEqual(parseAttributes(text), { kind: 'ok', attributes });
    }),
  );
});

test('what is written can end no line and begin no attribute', () => {
  assert.equal(printAttributes(new Map([['NAME', 'a\r\nQUIT b=c+d']])), ' NAME=a+20+20QUIT+20b+3Dc+2Bd');
});

for (const [what, text] of [
  ['nothing', ''],
  ['no value', 'NAME'],
  ['no name', '=x'],
  ['a name with a hyphen', 'A-B=x'],
  ['lower case hex', 'A=+0a'],
  ['half a pair', 'A=+0'],
  ['an equals sign in the value', 'A=b=c'],
  ['no UTF-8', 'A=+FF'],
  ['a line end', 'A=+0D+0A'],
  ['a name twice', 'A=1 a=2'],
  ['too many', Array.from({ length: SMTP_ATTRIBUTES + 1 }, (_, at) => `A${at}=x`).join(' ')],
] as const) {
  test(`${what} is refused`, () => assert.equal(typeof parsed(text), 'string'));
}

test('names in any case, values empty or with pairs', () => {
  assert.deepEqual(parsed('name=J+C3+BCrgen  ADDR='), { NAME: 'Jürgen', ADDR: '' });
});
