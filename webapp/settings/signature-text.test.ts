import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freeId, htmlOfText, withText } from './signature-text.ts';

test('nothing typed becomes markup, lines stay lines', () => {
  assert.equal(
    htmlOfText('Ann <ann@example.org>\n\n"R&D"'),
    '<div>Ann &lt;ann@example.org&gt;</div><div><br></div><div>&quot;R&amp;D&quot;</div>',
  );
});

test('HTML that somebody made stays as long as the text does', () => {
  const one = { id: '1', name: 'Work', text: 'Ann', html: '<b>Ann</b>' };
  assert.deepEqual(withText(one, 'Office', 'Ann'), { ...one, name: 'Office' });
  assert.deepEqual(withText(one, 'Work', 'Ann O.'), { ...one, text: 'Ann O.', html: '<div>Ann O.</div>' });
});

test('an id that is free', () => {
  const named = (id: string) => ({ id, name: '', text: '', html: '' });
  assert.equal(freeId([]), '1');
  assert.equal(freeId([named('1'), named('3')]), '2');
});
