/** Pieces of fragments: every section in exactly one of them, as it was. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import fc from 'fast-check';
import { fragmentLength, fragmentVersion, headerLength, type Section, sectionEnd, sectionStart } from './fragment.ts';
import { cutFragment, FRAGMENT_PIECES, pieceOf } from './fragment-pieces.ts';
import { PARSER_VERSION } from './model.ts';
import { parseMessage } from './scanner.ts';

const SECTIONS: readonly Section[] = [0, 1, 2, 3, 4, 5, 6, 7];

test('each piece is a fragment with its own sections and no others', () => {
  const word = fc.string({ minLength: 0, maxLength: 200 });
  fc.assert(
    fc.property(word, word, word, (subject, to, body) => {
      const text = `From: a@example.org\r\nTo: ${to}\r\nSubject: ${subject}\r\n\r\n${body}`;
      const { fragment } = parseMessage(Buffer.from(text));
      const pieces = cutFragment(fragment);
      for (const piece of FRAGMENT_PIECES) {
        // Where a reader meets it: somewhere in a larger buffer.
        const bytes = Buffer.concat([Buffer.alloc(13, 0xff), pieces[piece], Buffer.alloc(3)]);
        assert.equal(fragmentLength(bytes, 13), pieces[piece].length);
        assert.equal(fragmentVersion(bytes, 13), PARSER_VERSION);
        assert.equal(headerLength(bytes, 13), headerLength(fragment, 0));
        for (const section of SECTIONS) {
          const there = bytes.subarray(sectionStart(bytes, 13, section), sectionEnd(bytes, 13, section));
          const whole = fragment.subarray(sectionStart(fragment, 0, section), sectionEnd(fragment, 0, section));
          assert.deepEqual(there, pieceOf(section) === piece ? whole : Buffer.alloc(0));
        }
      }
    }),
  );
});
