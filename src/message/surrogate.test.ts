import assert from 'node:assert/strict';
import { Buffer, isAscii, isUtf8 } from 'node:buffer';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { fieldTexts } from './headers.ts';
import { parseMessage } from './scanner.ts';
import { readParts } from './fragment.ts';
import { edited, editedChunks, growth, headersAreAscii, surrogateEdits } from './surrogate.ts';
import { corpusMessages, corpusMissing } from '../../test/support/corpus.ts';

const surrogate = (header: string): string => {
  const bytes = Buffer.from(header, 'utf8');
  return edited(bytes, surrogateEdits(bytes, 0)).toString('latin1');
};

describe('surrogate of a header (RFC 6858)', () => {
  const cases: ReadonlyArray<readonly [what: string, header: string, expected: string]> = [
    ['ASCII stays', 'Subject: plain\r\nX-Odd: =?x\r\n\r\n', 'Subject: plain\r\nX-Odd: =?x\r\n\r\n'],
    [
      'subject',
      'Subject: Grüße\r\nTo: a@b.example\r\n\r\n',
      'Subject: =?UTF-8?B?R3LDvMOfZQ==?=\r\nTo: a@b.example\r\n\r\n',
    ],
    ['display name', 'From: José <jose@x.example>\r\n', 'From: =?UTF-8?B?Sm9zw6k=?= <jose@x.example>\r\n'],
    ['name with a comma', 'To: "Doe, Zoë" <z@x.example>\r\n', 'To: =?UTF-8?B?RG9lLCBab8Or?= <z@x.example>\r\n'],
    ['domain', 'To: info@bücher.example\r\n', 'To: info@xn--bcher-kva.example\r\n'],
    ['address', 'From: Fred <føø@x.example>\r\n', 'From: Fred <invalid@internationalized-address.invalid>\r\n'],
    [
      'address without a name',
      'From: ø@x.example\r\n',
      'From: =?UTF-8?B?w7hAeC5leGFtcGxl?= <invalid@internationalized-address.invalid>\r\n',
    ],
    [
      'group',
      'To: Bücher: a@x.example, b@x.example;\r\n',
      'To: =?UTF-8?B?QsO8Y2hlcg==?=: a@x.example,\r\n b@x.example;\r\n',
    ],
    ['other fields go', 'X-A: 1\r\nX-B: ü\r\n more\r\nX-C: 3\r\n', 'X-A: 1\r\nX-C: 3\r\n'],
    ['trace with UTF-8 goes', 'Received: by x for <ü@x>; now\r\nDate: 1\r\n', 'Date: 1\r\n'],
    [
      'parameters',
      'Content-Disposition: attachment; filename="Übung (1).pdf"; size=3\r\n',
      "Content-Disposition: attachment;\r\n filename*=UTF-8''%C3%9Cbung%20%281%29.pdf;\r\n size=3\r\n",
    ],
    [
      'parameters with brackets, and extended ones as they are',
      'Content-Type: text/plain; name="a(1)"; file*=UTF-8\'\'%C3%BC(1); x=ü\r\n',
      'Content-Type: text/plain;\r\n name="a(1)";\r\n file*="UTF-8\'\'%C3%BC(1)";\r\n x*=UTF-8\'\'%C3%BC\r\n',
    ],
    [
      'an extended parameter stays unquoted',
      "Content-Type: text/plain; file*=UTF-8''%C3%BC%281%29; x=ü\r\n",
      "Content-Type: text/plain;\r\n file*=UTF-8''%C3%BC%281%29;\r\n x*=UTF-8''%C3%BC\r\n",
    ],
    ['folded', 'Subject: ein\r\n Grüße\r\n', 'Subject: =?UTF-8?B?ZWluIEdyw7zDn2U=?=\r\n'],
  ];
  for (const [what, header, expected] of cases) it(what, () => assert.equal(surrogate(header), expected));

  it('leaves octets alone that are no UTF-8', () => {
    const header = Buffer.from('Subject: Gr\xfc\xdfe\r\n\r\n', 'latin1');
    assert.deepEqual(surrogateEdits(header, 0), []);
  });

  it('is ASCII, keeps its subject and is a fixed point, whatever the text', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 120 }).filter((one) => !/\p{Cc}|\p{Cs}|=\?/u.test(one));
    fc.assert(
      fc.property(text, text, (subject, name) => {
        const header = `From: ${JSON.stringify(name)} <a@x.example>\r\nSubject: ${subject} ü\r\nX-Y: ${name}\r\n\r\n`;
        const result = Buffer.from(surrogate(header), 'latin1');
        assert.ok(isAscii(result));
        assert.ok(
          result
            .toString('latin1')
            .split('\r\n')
            .every((line) => line.length <= 998),
        );
        assert.deepEqual(surrogateEdits(result, 0), []);
        const clean = (one: string | undefined): string => (one ?? '').replaceAll(/\s+/gu, ' ').trim();
        assert.equal(clean(fieldTexts(result, 'Subject')[0]), clean(`${subject} ü`));
        assert.equal(parseMessage(result).size, result.length);
      }),
    );
  });

  it('makes ASCII of all that is UTF-8 and touches nothing else, whatever the octets', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'From: ',
        'To: ',
        'Content-Type: ',
        'Subject: ',
        '\r\n',
        '\r\n ',
        ':',
        '<',
        '>',
        '"',
        ';',
        '@',
        '=?',
        '(',
      ),
      fc.string({ unit: 'grapheme', maxLength: 8 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), fc.uint8Array({ maxLength: 8 }), (parts, noise) => {
        const bytes = Buffer.concat([Buffer.from(parts.join(''), 'utf8'), Buffer.from(noise)]);
        const edits = surrogateEdits(bytes, 0);
        const result = edited(bytes, edits);
        if (isUtf8(bytes)) assert.ok(isAscii(result), JSON.stringify(result.toString()));
        for (const { bytes: replacement } of edits) {
          assert.ok(
            replacement.length === 0 || /^[^\r\n]+(?:\r\n[ \t][^\r\n]*)*\r\n$/.test(replacement.toString('latin1')),
          );
        }
      }),
      { numRuns: 500 },
    );
  });

  it('edits a message in chunks as it edits it whole', async () => {
    const message = fc.uint8Array({ minLength: 1, maxLength: 200 }).map((bytes) => Buffer.from(bytes));
    const spans = fc.array(fc.tuple(fc.nat(20), fc.nat(20), fc.uint8Array({ maxLength: 9 })), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(message, spans, fc.integer({ min: 1, max: 50 }), async (bytes, parts, size) => {
        const edits = [];
        let at = 0;
        for (const [gap, length, replacement] of parts) {
          const start = at + gap;
          const end = start + length + 1;
          if (end > bytes.length) break;
          edits.push({ start, end, bytes: Buffer.from(replacement) });
          at = end;
        }
        async function* chunks(): AsyncGenerator<Buffer> {
          for (let from = 0; from < bytes.length; from += size)
            yield Promise.resolve(bytes.subarray(from, from + size));
        }
        const pieces: Buffer[] = [];
        for await (const piece of editedChunks(chunks(), edits)) pieces.push(piece);
        const whole = edited(bytes, edits);
        assert.deepEqual(Buffer.concat(pieces), whole);
        assert.equal(whole.length, bytes.length + growth(edits));
      }),
    );
  });
});

describe('headersAreAscii', () => {
  const top = (message: Buffer): Buffer => {
    const end = message.indexOf('\r\n\r\n');
    return message.subarray(0, end < 0 ? message.length : end + 4);
  };
  const says = (text: string): boolean => {
    const message = Buffer.from(text, 'utf8');
    return headersAreAscii(message, top(message));
  };

  it('is not fooled by bodies, and says no where an embedded message may have headers of its own', () => {
    const mixed = 'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n';
    assert.equal(
      says(`${mixed}Content-Type: text/plain\r\n\r\nGrüße\r\n-- \r\nZoë\r\n--b--\r\n`),
      false,
      'a signature',
    );
    assert.equal(says(`${mixed}Content-Type: text/plain\r\n\r\nGrüße\r\n--b--\r\n`), true);
    assert.equal(says(`${mixed}Content-Disposition: attachment; filename=ä.txt\r\n\r\nx\r\n--b--\r\n`), false);
    assert.equal(says(`${mixed}Content-Type: message/rfc822\r\n\r\nSubject: ä\r\n\r\nx\r\n--b--\r\n`), false);
    assert.equal(says('Content-Type: message/rfc822\r\n\r\nSubject: ä\r\n\r\nx\r\n'), false);
    assert.equal(says('Subject: ä\r\n\r\nx\r\n'), false);
  });

  it('where it says yes, parsing finds nothing to edit either', { skip: corpusMissing() }, () => {
    let yes = 0;
    for (const { name, bytes } of corpusMessages()) {
      if (isAscii(bytes) || !headersAreAscii(bytes, top(bytes))) continue;
      yes += 1;
      for (const { headerStart, bodyStart } of readParts(parseMessage(bytes).fragment, 0)) {
        assert.ok(isAscii(bytes.subarray(headerStart, bodyStart)), name);
      }
    }
    assert.ok(yes > 20, `only ${yes} messages took the short way`);
  });
});
