/** Time zones: names that calendars use, times that are there twice or not at all, VTIMEZONE out and back. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readICalendar } from './jcal.ts';
import { componentOfZone, zoneOfComponent } from './vtimezone.ts';
import { DAY, HOUR, readWall, wallText } from './wall-time.ts';
import { momentOf, wallOf, zoneNamed } from './zones.ts';

const wall = (text: string): number => readWall(text)?.wall ?? assert.fail(text);

const names: ReadonlyArray<readonly [string, string | null]> = [
  ['Europe/Berlin', 'Europe/Berlin'],
  ['europe/berlin', 'Europe/Berlin'],
  ['America/Argentina/Buenos_Aires', 'America/Argentina/Buenos_Aires'],
  ['/mozilla.org/20050126_1/Europe/Berlin', 'Europe/Berlin'],
  ['/freeassociation.sourceforge.net/America/New_York', 'America/New_York'],
  ['W. Europe Standard Time', 'Europe/Berlin'],
  ['Eastern Standard Time', 'America/New_York'],
  ['Tokyo Standard Time', 'Asia/Tokyo'],
  ['UTC', 'Etc/UTC'],
  ['GMT', 'Etc/UTC'],
  ['+01:00', null],
  ['Customized Time Zone', null],
  ['', null],
  ['x'.repeat(200), null],
];
for (const [tzid, zone] of names)
  test(`zone "${tzid.slice(0, 40)}"`, () => assert.equal(zoneNamed(tzid)?.name ?? null, zone));

describe('wall time (RFC 5545 §3.3.5)', () => {
  const berlin = zoneNamed('Europe/Berlin') ?? assert.fail('no zone');
  const rows: ReadonlyArray<readonly [string, string]> = [
    ['2026-01-15T12:00:00', '2026-01-15T11:00:00'],
    ['2026-07-15T12:00:00', '2026-07-15T10:00:00'],
    // There twice: the first one.
    ['2026-10-25T02:30:00', '2026-10-25T00:30:00'],
    // Not there: on with the offset before the gap.
    ['2026-03-29T02:30:00', '2026-03-29T01:30:00'],
  ];
  for (const [local, moment] of rows) test(local, () => assert.equal(wallText(momentOf(berlin, wall(local))), moment));

  test('quarters of an hour count', () => {
    const kathmandu = zoneNamed('Asia/Kathmandu') ?? assert.fail('no zone');
    assert.equal(wallText(wallOf(kathmandu, wall('2026-01-01T00:00:00'))), '2026-01-01T05:45:00');
  });
});

describe('VTIMEZONE written and read says the same', () => {
  for (const name of [
    'Europe/Berlin',
    'America/New_York',
    'Australia/Sydney',
    'Australia/Lord_Howe',
    'Asia/Kolkata',
    'America/St_Johns',
    'Africa/Casablanca',
  ])
    test(name, () => {
      const zone = zoneNamed(name) ?? assert.fail('no zone');
      const moment = wall('2026-06-01T12:00:00');
      const copy = zoneOfComponent(componentOfZone(zone, name, moment)) ?? assert.fail('nothing to follow');
      for (let at = wall('2026-01-02T00:00:00'); at < wall('2029-12-30T00:00:00'); at += 7 * HOUR)
        assert.equal(copy.offsetAt(at), zone.offsetAt(at), wallText(at));
    });
});

test('a zone that only its calendar knows, with changes by rule and by date', () => {
  const [calendar] = readICalendar(
    [
      'BEGIN:VCALENDAR',
      'BEGIN:VTIMEZONE',
      'TZID:Somewhere',
      'BEGIN:STANDARD',
      'DTSTART:16010101T030000',
      'TZOFFSETFROM:+0200',
      'TZOFFSETTO:+0100',
      'RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10',
      'END:STANDARD',
      'BEGIN:DAYLIGHT',
      'DTSTART:16010101T020000',
      'TZOFFSETFROM:+0100',
      'TZOFFSETTO:+0200',
      'RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3',
      'END:DAYLIGHT',
      'BEGIN:STANDARD',
      'DTSTART:20300101T000000',
      'TZOFFSETFROM:+0100',
      'TZOFFSETTO:+0300',
      'RDATE:20300101T000000',
      'END:STANDARD',
      'END:VTIMEZONE',
      'END:VCALENDAR',
    ].join('\r\n'),
  );
  const zone = zoneOfComponent(calendar?.components[0] ?? assert.fail('nothing read')) ?? assert.fail('no zone');
  assert.equal(zone.name, '/Somewhere');
  const berlin = zoneNamed('Europe/Berlin') ?? assert.fail('no zone');
  for (let at = wall('2026-01-01T00:00:00'); at < wall('2029-12-30T00:00:00'); at += DAY / 4)
    assert.equal(zone.offsetAt(at), berlin.offsetAt(at), wallText(at));
  assert.equal(zone.offsetAt(wall('2030-02-01T00:00:00')), 3 * HOUR);
});

test('a zone with changes by the second is not followed', () => {
  const [calendar] = readICalendar(
    'BEGIN:VCALENDAR\r\nBEGIN:VTIMEZONE\r\nTZID:Evil\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0000\r\nTZOFFSETTO:+0500\r\nRRULE:FREQ=SECONDLY\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nEND:VCALENDAR',
  );
  const zone = zoneOfComponent(calendar?.components[0] ?? assert.fail('nothing read')) ?? assert.fail('no zone');
  assert.equal(zone.offsetAt(wall('2026-01-01T00:00:00')), 5 * HOUR);
});
