import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { fieldText, HeaderCollector, headerFields, withoutFields } from './header-fields.ts';

const split = (message: string, size: number, limit = 1000) => {
  const collector = new HeaderCollector(limit);
  const bytes = Buffer.from(message, 'latin1');
  for (let at = 0; at < bytes.length; at += size) {
    const outcome = collector.push(bytes.subarray(at, at + size));
    if (outcome === 'more') continue;
    if (outcome === 'large') return 'large';
    const body = outcome.body.toString('latin1') + bytes.subarray(at + size).toString('latin1');
    return { header: outcome.header.toString('latin1'), body };
  }
  return { header: collector.take().toString('latin1'), body: null };
};

describe('HeaderCollector', () => {
  const cases: ReadonlyArray<readonly [message: string, header: string, body: string | null]> = [
    ['A: 1\r\n\r\nbody', 'A: 1\r\n\r\n', 'body'],
    ['\r\nbody\r\n\r\n', '\r\n', 'body\r\n\r\n'],
    ['A: 1\r\nB: 2\r\n', 'A: 1\r\nB: 2\r\n', null],
    ['', '', null],
    ['\r\n', '\r\n', ''],
  ];
  for (const [message, header, body] of cases) {
    it(JSON.stringify(message), () => {
      for (const size of [1, 2, 3, 4, 5, 100]) assert.deepEqual(split(message, size), { header, body });
    });
  }

  it('finds the same end however the message is cut', () => {
    const soup = fc.array(fc.constantFrom('\r\n', 'A: b', '\r', 'x', '\r\n\r\n'), { maxLength: 20 });
    fc.assert(
      fc.property(soup, fc.integer({ min: 1, max: 7 }), (parts, size) => {
        const text = parts.join('');
        const end = text.startsWith('\r\n') ? 2 : text.indexOf('\r\n\r\n') < 0 ? -1 : text.indexOf('\r\n\r\n') + 4;
        const expected = end < 0 ? { header: text, body: null } : { header: text.slice(0, end), body: text.slice(end) };
        assert.deepEqual(split(text, size), expected);
      }),
      { numRuns: 500 },
    );
  });

  it('gives up behind the limit', () => {
    assert.equal(split('x'.repeat(2000), 100), 'large');
    assert.equal(split(`${'x'.repeat(1200)}\r\n\r\n`, 5000), 'large');
  });
});

describe('headerFields', () => {
  const header = Buffer.from(
    'From mbox line\r\nReceived: a\r\n b\r\nSubject : odd\r\nnot a field\r\nBCC: x@y,\r\n\tz@y\r\nX:\r\n\r\n',
    'latin1',
  );
  it('reads names and unfolds values, passing over what is no field', () => {
    const fields = headerFields(header);
    assert.deepEqual(
      fields.map((field) => [field.name, fieldText(header, field)]),
      [
        ['received', 'a b'],
        ['subject', 'odd'],
        ['bcc', 'x@y,\tz@y'],
        ['x', ''],
      ],
    );
  });

  it('takes fields out and leaves every other byte', () => {
    const fields = headerFields(header).filter((field) => field.name === 'bcc');
    assert.equal(
      withoutFields(header, fields).toString('latin1'),
      'From mbox line\r\nReceived: a\r\n b\r\nSubject : odd\r\nnot a field\r\nX:\r\n\r\n',
    );
    assert.equal(withoutFields(header, []), header);
  });
});
