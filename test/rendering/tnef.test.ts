/** winmail.dat: what is put in comes out again; the reader that says so reads streams of Outlook, too. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { readParts } from '../../src/message/fragment.ts';
import { renderMessage } from '../../src/message/render/render.ts';
import { parseMessage } from '../../src/message/scanner.ts';
import { decodeTransfer } from '../../src/message/transfer-encoding.ts';
import { RENDERED_TNEF_BYTES } from '../../src/wire/limits.ts';
import { corpusMissing } from '../support/corpus.ts';
import { readAttributes, readTnef, type TnefRead } from './tnef-reader.ts';

const message = (...lines: string[]): Buffer => Buffer.from(`${lines.join('\r\n')}\r\n`, 'utf8');
const wish = { format: 'Tnef', calendarLinkBase: null } as const;

const ORIGINAL = message(
  'From: a@example.org',
  'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe_=E2=82=AC?=',
  'Date: Mon, 23 Nov 2026 09:00:00 +0100',
  'Message-ID: <one@example.org>',
  'Content-Type: multipart/mixed; boundary=m',
  '',
  '--m',
  'Content-Type: multipart/related; boundary=r',
  '',
  '--r',
  'Content-Type: text/html; charset=utf-8',
  '',
  '<p>Grüße € <img src="cid:p1"></p>',
  '--r',
  'Content-Type: image/png',
  'Content-ID: <p1>',
  'Content-Transfer-Encoding: base64',
  '',
  'iVBORw0KGgo=',
  '--r--',
  '--m',
  "Content-Type: application/pdf; name*=utf-8''Z%C3%BCrich%20%E2%82%AC.pdf",
  'Content-Disposition: attachment',
  'Content-Transfer-Encoding: base64',
  '',
  Buffer.from('%PDF odd').toString('base64'),
  '--m',
  'Content-Type: message/rfc822',
  '',
  'Subject: inner',
  '',
  'text',
  '--m--',
);

function winmail(rendered: Buffer): TnefRead {
  const part = readParts(parseMessage(rendered).fragment, 0).find((one) => one.mediaType === 'application/ms-tnef');
  assert.ok(part !== undefined, 'there is a winmail.dat');
  return readTnef(decodeTransfer(rendered.subarray(part.bodyStart, part.bodyEnd), part.encoding));
}

test('bodies, properties and attachments go round', () => {
  const rendered = renderMessage(ORIGINAL, wish);
  assert.ok(rendered !== null);
  const tnef = winmail(rendered.bytes);
  assert.equal(tnef.text(0x0007_8008), 'IPM.Microsoft Mail.Note');
  assert.equal(tnef.text(0x0001_8004), 'Grüße ?');
  const one = (tag: number): unknown => tnef.properties.get(tag)?.[0];
  assert.equal(one(0x001a_001f), 'IPM.Note');
  assert.equal(one(0x0037_001f), 'Grüße €');
  assert.equal(one(0x1000_001f), 'Grüße €\r\n');
  assert.equal(String(one(0x1013_0102)), '<p>Grüße € <img src="cid:p1"></p>');
  assert.equal(one(0x3fde_0003), 65_001);
  assert.equal(one(0x1035_001f), '<one@example.org>');
  assert.equal(String(one(0x007f_0102)), '<one@example.org>\0');
  const submitted = one(0x0039_0040);
  assert.ok(typeof submitted === 'bigint');
  assert.equal(Number(submitted / 10_000n) - 11_644_473_600_000, Date.parse('2026-11-23T08:00:00Z'));
  assert.deepEqual(
    tnef.attachments.map(({ data, properties }) => [
      properties.get(0x3707_001f)?.[0],
      properties.get(0x370e_001f)?.[0],
      String(data),
    ]),
    [
      ['attachment-1.dat', 'image/png', String(Buffer.from('iVBORw0KGgo=', 'base64'))],
      ['Zürich €.pdf', 'application/pdf', '%PDF odd'],
      ['attachment-3.eml', 'message/rfc822', 'Subject: inner\r\n\r\ntext'],
    ],
  );
  const [picture, file] = tnef.attachments;
  assert.equal(picture?.properties.get(0x3712_001f)?.[0], 'p1');
  assert.equal(picture?.properties.get(0x7ffe_000b)?.[0], true);
  assert.equal(file?.properties.get(0x3703_001f)?.[0], '.pdf');
  assert.equal(file?.title, 'Zürich ?.pdf');
  assert.equal(renderMessage(rendered.bytes, wish), null, 'TNEF stays as it is');
});

test('a meeting keeps its calendar beside the stream', () => {
  const meeting = message(
    'Content-Type: multipart/alternative; boundary=b',
    '',
    '--b',
    'Content-Type: text/plain',
    '',
    'Lunch',
    '--b',
    'Content-Type: text/calendar; method=REQUEST',
    '',
    'BEGIN:VCALENDAR',
    '--b--',
  );
  const rendered = renderMessage(meeting, wish);
  assert.ok(rendered !== null);
  const types = readParts(parseMessage(rendered.bytes).fragment, 0).map((part) => part.mediaType);
  assert.deepEqual(types, [
    'multipart/mixed',
    'multipart/alternative',
    'text/plain',
    'text/calendar',
    'application/ms-tnef',
  ]);
});

test('a message without date, subject or text; years FILETIME has no room for', () => {
  for (const field of ['X: y', 'Date: Mon, 1 Jan 0001 00:00:00 +0000', 'Date: Fri, 31 Dec 9999 23:59:59 -1200']) {
    const rendered = renderMessage(message(field, ''), wish);
    assert.ok(rendered !== null);
    assert.equal(winmail(rendered.bytes).properties.get(0x1000_001f)?.[0], '');
  }
});

test('above RENDERED_TNEF_BYTES it is served as it is', () => {
  assert.equal(renderMessage(Buffer.concat([message('X: y', ''), Buffer.alloc(RENDERED_TNEF_BYTES, 32)]), wish), null);
});

test('the reader reads what Outlook and Exchange wrote', { skip: corpusMissing() }, () => {
  const root = path.resolve(import.meta.dirname, '..', '..', '..', 'shared', 'corpus', 'tnef');
  let read = 0;
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const stream = readFileSync(path.join(entry.parentPath, entry.name));
    if (stream.length < 6 || stream.readUInt32LE(0) !== 0x223e9f78) continue;
    try {
      readAttributes(stream);
    } catch (error) {
      // Some were damaged on purpose.
      assert.match(String(error), /checksum|whole|level|out of range/i, entry.name);
      continue;
    }
    readTnef(stream);
    read += 1;
  }
  assert.ok(read >= 5, `only ${read} streams could be read`);
});
