import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { baseSubjectOf, SORT_KEY_CHARACTERS } from './base-subject.ts';

/** RFC 5256 §2.1 and the cases imaptest and Dovecot check. */
const SUBJECTS: ReadonlyArray<readonly [string, string, boolean]> = [
  ['hello', 'hello', false],
  ['Re: hello', 'hello', true],
  ['RE : hello', 'hello', true],
  ['Fw: hello', 'hello', true],
  ['Fwd: hello', 'hello', true],
  ['Re[2]: hello', 'hello', true],
  ['re [2] : hello', 'hello', true],
  ['Re: Fwd: re: hello', 'hello', true],
  ['[list] hello', 'hello', false],
  ['[list] Re: hello', 'hello', true],
  ['Re: [list] hello', 'hello', true],
  ['[a] [b] hello', 'hello', false],
  ['hello (fwd)', 'hello', true],
  ['hello (Fwd) (fwd) ', 'hello', true],
  ['[Fwd: hello]', 'hello', true],
  ['[fwd: [list] Re: hello (fwd)]', 'hello', true],
  ['[Fwd: [Fwd: hello]]', 'hello', true],
  ['[all a blob]', '[all a blob]', false],
  ['Re: [all a blob]', '[all a blob]', true],
  ['[unclosed hello', '[unclosed hello', false],
  ['a\t b  c', 'a b c', false],
  ['regular: hello', 'regular: hello', false],
  ['Re hello', 'Re hello', false],
  ['Re:', '', true],
  ['(fwd)', '', true],
  ['', '', false],
];

for (const [subject, text, isReply] of SUBJECTS) {
  test(`base subject of ${JSON.stringify(subject)}`, () => {
    assert.deepEqual(baseSubjectOf(subject), { text, isReply });
  });
}

test('is bounded and comes to rest', () => {
  const piece = fc.constantFrom('Re', ':', ' ', '[', ']', 'fwd', 'fw', '(fwd)', '[fwd:', 'x', '\t');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const { text } = baseSubjectOf(pieces.join(''));
      assert.equal(baseSubjectOf(text).text, text);
    }),
  );
  assert.ok(baseSubjectOf('[a]'.repeat(500_000)).text.length <= SORT_KEY_CHARACTERS);
});
