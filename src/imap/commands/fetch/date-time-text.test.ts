import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteWriter } from '../../../wire/byte-writer.ts';
import { printDateTime } from '../../grammar/date-time.ts';
import { DateTimeText } from './date-time-text.ts';

test('writes what printDateTime prints, whatever came before', () => {
  const day = fc.integer({ min: -100_000, max: 400_000 });
  const second = fc.integer({ min: 0, max: 86_399 });
  fc.assert(
    fc.property(fc.array(fc.tuple(day, second)), (times) => {
      const chunks: Buffer[] = [];
      const out = new ByteWriter((chunk) => chunks.push(chunk));
      const text = new DateTimeText('<', '>');
      let expected = '';
      for (const [days, seconds] of times) {
        const time = days * 86_400 + seconds;
        text.write(out, time);
        expected += `<${printDateTime(time)}>`;
      }
      out.flush();
      assert.equal(Buffer.concat(chunks).toString('latin1'), expected);
    }),
  );
});
