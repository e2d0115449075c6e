/** iCalendar from strangers: read, kept, written, expanded. Nothing throws but BadCalendar, and work stays bounded. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { readItemMessage, writeItemMessage } from '../src/calendar/item-message.ts';
import { applied } from '../src/calendar/itip.ts';
import { BadCalendar } from '../src/calendar/jcal.ts';
import { OCCURRENCES, occurrencesOf } from '../src/calendar/occurrences.ts';
import { readSchedulingMessage } from '../src/calendar/scheduling-part.ts';
import { DAY } from '../src/calendar/wall-time.ts';
import { zoneNamed, UTC } from '../src/calendar/zones.ts';
import { corpusMessages, corpusMissing } from '../test/support/corpus.ts';

export const name = 'calendar';

const OWN_SEEDS = [
  'BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VTIMEZONE\r\nTZID:Here\r\nBEGIN:STANDARD\r\nDTSTART:16010101T000000\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT\r\nUID:a\r\nSEQUENCE:1\r\nDTSTAMP:20260101T000000Z\r\nDTSTART;TZID=Here:20261101T100000\r\nDURATION:PT1H\r\nRRULE:FREQ=MONTHLY;BYDAY=MO,2TU;BYSETPOS=-1;UNTIL=20300101T000000Z\r\nEXDATE;TZID=Here:20261201T100000\r\nRDATE;VALUE=PERIOD:20261105T000000Z/PT1H\r\nORGANIZER;CN="A;B":mailto:a@x.example\r\nATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:b@x.example\r\nSUMMARY:one\\, two\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:a\r\nRECURRENCE-ID;TZID=Here:20261102T100000\r\nDTSTART;TZID="W. Europe Standard Time":20261102T120000\r\nSTATUS:CANCELLED\r\nORGANIZER:mailto:a@x.example\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n',
  'BEGIN:VCALENDAR\r\nMETHOD:CANCEL\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTAMP:20260101T000000Z\r\nORGANIZER:mailto:a@x.example\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n',
  'BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTART;VALUE=DATE:20261101\r\nRRULE:FREQ=SECONDLY;INTERVAL=1\r\nATTENDEE;PARTSTAT=ACCEPTED:mailto:b@x.example\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n',
];

export function* seeds(): Iterable<Buffer> {
  for (const seed of OWN_SEEDS) yield Buffer.from(seed, 'latin1');
  if (corpusMissing() !== false) return;
  for (const { bytes } of corpusMessages()) {
    const start = bytes.indexOf('BEGIN:VCALENDAR');
    if (start >= 0) yield bytes.subarray(start);
  }
}

const READER = { addresses: new Set(['b@x.example']) };
const BERLIN = zoneNamed('Europe/Berlin') ?? UTC;

export function run(input: Buffer): void {
  const message = readSchedulingMessage(input.toString('utf8'), 'REQUEST');
  if (message === null) return;
  assert.match(message.item.id, /^[\w-]{22}$/);
  const before = message.item.overrides.length;
  const known = applied(null, message, READER) ?? message.item;
  const taken = applied(known, message, READER) ?? known;
  assert.equal(applied(taken, message, READER), null, 'the same message again changes something');
  assert.ok(taken.overrides.length <= before);
  for (const from of [0, Date.UTC(2026, 10) / 1000]) {
    const found = occurrencesOf(taken, { from, before: from + 400 * DAY }, BERLIN);
    assert.ok(found.length <= OCCURRENCES + taken.overrides.length, 'more than its bound');
    for (const { begins, ends } of found) assert.ok(Number.isFinite(begins) && ends >= begins, 'no time at all');
  }
  try {
    const { bytes } = writeItemMessage(taken, 1);
    const read = readItemMessage(bytes);
    assert.ok(read !== null, 'what was written cannot be read');
    assert.equal(read.item.id, taken.id);
    assert.equal(read.item.overrides.length, taken.overrides.length, 'an occurrence is lost');
  } catch (error) {
    if (!(error instanceof BadCalendar)) throw error;
  }
}
