import assert from 'node:assert/strict';
import { test } from 'node:test';
import { markedText } from './marked-text.ts';

test('what was found is marked, and nothing else becomes markup', () => {
  assert.deepEqual(markedText('a &lt;b&gt; &amp;amp; <mark>c &quot;d&quot;</mark> e'), [
    { text: 'a <b> &amp; ', isMarked: false },
    { text: 'c "d"', isMarked: true },
    { text: ' e', isMarked: false },
  ]);
  assert.deepEqual(markedText('<img src=x> it&#39;s'), [{ text: "<img src=x> it's", isMarked: false }]);
  assert.deepEqual(markedText(''), []);
});
