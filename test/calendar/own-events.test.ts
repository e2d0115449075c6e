/** CalendarEvent by JMAP: own events, series and their occurrences, people who are asked, states, and what is refused. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { at, record } from '../jmap/client.ts';
import { type Facts, listOf, openStage, type Person, type Stage } from './stage.ts';

const WEEK = ['2026-11-23T00:00:00', '2026-11-30T00:00:00'] as const;

describe('a calendar by JMAP', () => {
  let stage: Stage;
  let ann: Person;
  let bob: Person;
  before(async () => {
    stage = await openStage(['ann', 'bob', 'eve']);
    ann = stage.person(0);
    bob = stage.person(1);
  });
  after(() => stage.stop());

  async function set(person: Person, args: Facts): Promise<Facts> {
    const answer = await person.call('CalendarEvent/set', args);
    await stage.organization.running.settled();
    return answer;
  }
  async function create(person: Person, event: Facts, sends = false): Promise<string> {
    const answer = await set(person, { create: { e: event }, sendSchedulingMessages: sends });
    const id = at(answer, 'created', 'e', 'id');
    assert.equal(typeof id, 'string', JSON.stringify(answer['notCreated']));
    return String(id);
  }
  async function get(person: Person, id: string): Promise<Facts> {
    const answer = await person.call('CalendarEvent/get', { ids: [id] });
    const [event] = listOf(answer);
    assert.ok(event !== undefined, `no event ${id}`);
    return event;
  }

  test('an event is as it was written', async () => {
    const written = {
      title: 'Dentist; bring, card',
      description: 'First line\nsecond \\ line',
      start: '2026-11-24T09:30:00',
      timeZone: 'Europe/Berlin',
      duration: 'PT45M',
      locations: { '1': { '@type': 'Location', name: 'Main St 1, 2nd floor' } },
      alerts: { '1': { trigger: { '@type': 'OffsetTrigger', offset: '-PT15M' } } },
      freeBusyStatus: 'busy',
      privacy: 'private',
    };
    const event = await get(ann, await create(ann, written));
    assert.equal(event['utcStart'], '2026-11-24T08:30:00Z');
    assert.equal(event['utcEnd'], '2026-11-24T09:15:00Z');
    for (const name of ['title', 'description', 'start', 'timeZone', 'duration', 'locations', 'privacy'] as const)
      assert.deepEqual(event[name], written[name], name);
    assert.equal(at(event, 'alerts', '1', 'trigger', 'offset'), '-PT15M');
    assert.deepEqual([event['status'], event['isOrigin'], event['participants']], ['confirmed', true, null]);
  });

  test('a day without time, and a floating time, are the reader’s own', async () => {
    const id = await create(ann, {
      title: 'Holiday',
      start: '2026-12-24T00:00:00',
      showWithoutTime: true,
      duration: 'P2D',
    });
    const event = await get(ann, id);
    assert.deepEqual([event['showWithoutTime'], event['duration'], event['timeZone']], [true, 'P2D', null]);
    for (const [timeZone, utcStart] of [
      ['Asia/Tokyo', '2026-12-23T15:00:00Z'],
      ['America/New_York', '2026-12-24T05:00:00Z'],
    ]) {
      const { list } = await ann.call('CalendarEvent/get', { ids: [id], timeZone });
      assert.equal(at(list, '0', 'utcStart'), utcStart);
      const found = await ann.events('2026-12-25T10:00:00', '2026-12-25T11:00:00', { timeZone });
      assert.deepEqual(
        found.map((one) => one['title']),
        ['Holiday'],
      );
    }
  });

  test('a series: occurrences with ids, one moved, one removed, all renamed', async () => {
    const id = await create(ann, {
      title: 'Stand-up',
      start: '2026-10-19T09:00:00',
      timeZone: 'Europe/Berlin',
      duration: 'PT15M',
      recurrenceRules: [{ '@type': 'RecurrenceRule', frequency: 'daily' }],
    });
    const starts = async (): Promise<readonly string[]> => {
      const events = await ann.events(...WEEK, {
        timeZone: 'Europe/Berlin',
        filter: { after: WEEK[0], before: WEEK[1], text: 'stand' },
      });
      return events.map((one) => `${String(one['utcStart']).slice(5, 16)} ${String(one['title'])}`);
    };
    assert.equal((await starts()).length, 7);
    // Winter time: an hour later in UTC than where the series begins.
    assert.equal((await starts())[0], '11-23T08:00 Stand-up');
    const answer = await set(ann, {
      update: { [`${id}_20261124T090000`]: { start: '2026-11-24T16:00:00', title: 'Late stand-up' } },
      destroy: [`${id}_20261125T090000`],
    });
    assert.deepEqual([answer['notUpdated'], answer['notDestroyed']], [{}, {}]);
    assert.deepEqual((await starts()).slice(0, 3), [
      '11-23T08:00 Stand-up',
      '11-24T15:00 Late stand-up',
      '11-26T08:00 Stand-up',
    ]);
    const moved = await get(ann, `${id}_20261124T090000`);
    assert.deepEqual(
      [moved['baseEventId'], moved['recurrenceId'], moved['isRecurring']],
      [id, '2026-11-24T09:00:00', true],
    );
    await set(ann, { update: { [id]: { title: 'Stand-up meeting' } } });
    assert.deepEqual((await starts()).slice(0, 2), ['11-23T08:00 Stand-up meeting', '11-24T15:00 Late stand-up']);
    await set(ann, { update: { [id]: { start: '2026-10-19T10:00:00' } } });
    assert.equal((await starts()).length, 7, 'another time: what differed is forgotten');
    await set(ann, { destroy: [id] });
    assert.deepEqual(await starts(), []);
  });

  test('people who are asked: request, answer, update, call off', async () => {
    const people = { b: { name: 'Bob', email: 'bob@example.com', roles: { attendee: true } } };
    const id = await create(
      ann,
      {
        title: 'Plan',
        start: '2026-11-26T10:00:00',
        timeZone: 'America/New_York',
        duration: 'PT1H',
        participants: people,
      },
      true,
    );
    const [mail] = await bob.mails();
    assert.equal(mail?.['subject'], 'Plan');
    const seen = async (): Promise<Facts | undefined> =>
      (await bob.events(...WEEK)).find((one) => one['title'] === 'Plan');
    const [asked] = [await seen()];
    assert.deepEqual(
      [asked?.['status'], asked?.['utcStart'], asked?.['isOrigin']],
      ['tentative', '2026-11-26T15:00:00Z', false],
    );
    await bob.call('CalendarEvent/respond', { id: asked?.['id'], participationStatus: 'tentative' });
    await stage.organization.running.settled();
    const answers = async (): Promise<readonly unknown[]> =>
      Object.values(record((await get(ann, id))['participants']))
        .filter((one) => at(one, 'email') === 'bob@example.com')
        .map((one) => at(one, 'participationStatus'));
    assert.deepEqual(await answers(), ['tentative']);
    await set(ann, { update: { [id]: { title: 'Plan B' } }, sendSchedulingMessages: true });
    assert.deepEqual(await answers(), ['tentative'], 'a new title asks nobody anew');
    await set(ann, { update: { [id]: { title: 'Plan', start: '2026-11-27T10:00:00' } }, sendSchedulingMessages: true });
    assert.deepEqual(await answers(), ['needs-action']);
    assert.equal((await seen())?.['utcStart'], '2026-11-27T15:00:00Z');
    const denied = await set(bob, { update: { [String(asked?.['id'])]: { title: 'Mine now' } } });
    assert.equal(at(denied, 'notUpdated', String(asked?.['id']), 'type'), 'forbidden');
    const own = await set(bob, { update: { [String(asked?.['id'])]: { freeBusyStatus: 'free' } } });
    assert.deepEqual(own['notUpdated'], {});
    assert.equal((await seen())?.['freeBusyStatus'], 'free');
    await set(ann, { destroy: [id], sendSchedulingMessages: true });
    assert.equal((await seen())?.['status'], 'cancelled');
  });

  test('one occurrence of a series is answered for alone', async () => {
    const id = await create(
      ann,
      {
        title: 'Weekly',
        start: '2026-11-02T11:00:00',
        timeZone: 'Europe/Berlin',
        duration: 'PT1H',
        recurrenceRules: [{ frequency: 'weekly' }],
        participants: { b: { email: 'bob@example.com', roles: { attendee: true } } },
      },
      true,
    );
    await bob.call('CalendarEvent/respond', { id, participationStatus: 'accepted' });
    await bob.call('CalendarEvent/respond', { id: `${id}_20261123T110000`, participationStatus: 'declined' });
    await stage.organization.running.settled();
    const answer = async (person: Person, event: string): Promise<unknown> => {
      const people = Object.values(record((await get(person, event))['participants']));
      return at(
        people.find((one) => at(one, 'email') === 'bob@example.com'),
        'participationStatus',
      );
    };
    for (const person of [ann, bob]) {
      assert.equal(await answer(person, `${id}_20261123T110000`), 'declined');
      assert.equal(await answer(person, `${id}_20261130T110000`), 'accepted');
    }
    await set(ann, { destroy: [`${id}_20261207T110000`], sendSchedulingMessages: true });
    assert.equal((await get(bob, `${id}_20261207T110000`))['status'], 'cancelled');
    await set(bob, { destroy: [id], sendSchedulingMessages: true });
    assert.equal(await answer(ann, id), 'declined', 'who takes an invitation out of his calendar declines it');
  });

  test('who is not to be reached is named, and the event is there', async () => {
    const answer = await set(ann, {
      create: {
        e: {
          title: 'Far',
          start: '2026-11-28T10:00:00',
          participants: { x: { email: 'x@elsewhere.example', roles: {} } },
        },
      },
      sendSchedulingMessages: true,
    });
    assert.deepEqual(at(answer, 'created', 'e', 'unreachedParticipants'), ['x@elsewhere.example']);
    const event = await get(ann, String(at(answer, 'created', 'e', 'id')));
    const people = Object.values(record(event['participants']));
    assert.deepEqual(
      at(
        people.find((one) => at(one, 'email') === 'x@elsewhere.example'),
        'scheduleStatus',
      ),
      ['3.7'],
    );
  });

  test('changes since a state: created, updated, destroyed; and the push says when to ask', async () => {
    const stream = await ann.client.events('types=CalendarEvent&closeafter=no&ping=0');
    const kept = await create(ann, { title: 'Kept', start: '2026-11-28T12:00:00' });
    const pushed = await stream.next();
    stream.close();
    const { state } = await ann.call('CalendarEvent/get', { ids: [] });
    assert.equal(at(pushed?.data, 'changed', ann.user.account.id, 'CalendarEvent'), state);
    const made = await create(ann, { title: 'Made', start: '2026-11-28T13:00:00' });
    const gone = await create(ann, { title: 'Gone', start: '2026-11-28T14:00:00' });
    await set(ann, { update: { [kept]: { title: 'Kept on' } }, destroy: [gone] });
    const first = await ann.call('CalendarEvent/changes', { sinceState: state });
    assert.deepEqual([first['created'], first['updated'], first['destroyed']], [[made], [kept], []]);
    await set(ann, { destroy: [made] });
    const second = await ann.call('CalendarEvent/changes', { sinceState: first['newState'] });
    assert.deepEqual([second['created'], second['updated'], second['destroyed']], [[], [], [made]]);
    const nothing = await ann.call('CalendarEvent/changes', { sinceState: second['newState'] });
    assert.deepEqual([nothing['created'], nothing['updated'], nothing['destroyed']], [[], [], []]);
  });

  const refusals: ReadonlyArray<readonly [string, Facts, string]> = [
    ['no start', { title: 'x' }, 'start'],
    ['a start with a zone in it', { start: '2026-11-28T12:00:00Z' }, 'start'],
    ['a day that is not there', { start: '2026-02-30T12:00:00' }, 'start'],
    ['a zone nobody knows', { start: '2026-11-28T12:00:00', timeZone: 'Mars/Base' }, 'timeZone'],
    ['a duration backwards', { start: '2026-11-28T12:00:00', duration: '-PT1H' }, 'duration'],
    ['a day of hours', { start: '2026-11-28T00:00:00', showWithoutTime: true, duration: 'PT5H' }, 'duration'],
    ['a title without end', { start: '2026-11-28T12:00:00', title: 'x'.repeat(1001) }, 'title'],
    [
      'a rule that is none',
      { start: '2026-11-28T12:00:00', recurrenceRules: [{ frequency: 'often' }] },
      'recurrenceRules',
    ],
    ['a person without address', { start: '2026-11-28T12:00:00', participants: { a: { roles: {} } } }, 'participants'],
    [
      'an address that breaks out of its line',
      { start: '2026-11-28T12:00:00', participants: { a: { email: 'a@b.example\r\nBcc: c@d.example', roles: {} } } },
      'participants',
    ],
    ['what no event has', { start: '2026-11-28T12:00:00', uid: 'mine' }, 'uid'],
  ];
  for (const [name, event, property] of refusals)
    test(`refused: ${name}`, async () => {
      const answer = await set(ann, { create: { e: event } });
      assert.equal(at(answer, 'notCreated', 'e', 'type'), 'invalidProperties');
      assert.deepEqual(at(answer, 'notCreated', 'e', 'properties'), [property]);
    });

  test('refused: too long a window, a foreign account, an answer to one’s own event, a stale state', async () => {
    const accountId = ann.user.account.id;
    const ask = async (name: string, args: Facts): Promise<unknown> => {
      const [answer] = await ann.client.calls([name, { accountId, ...args }]);
      return answer?.name === 'error' ? answer.args['type'] : answer?.args;
    };
    const filter = { after: '2026-01-01T00:00:00', before: '2028-01-01T00:00:00' };
    assert.equal(await ask('CalendarEvent/query', { filter, expandRecurrences: true }), 'expandDurationTooLarge');
    assert.equal(await ask('CalendarEvent/query', { filter: { colour: 'red' } }), 'unsupportedFilter');
    assert.equal(await ask('CalendarEvent/get', { accountId: bob.user.account.id, ids: [] }), 'accountNotFound');
    assert.equal(await ask('CalendarEvent/set', { ifInState: 'x', create: {} }), 'stateMismatch');
    assert.equal(await ask('CalendarEvent/changes', { sinceState: 'x' }), 'cannotCalculateChanges');
    const id = await create(ann, { title: 'Mine', start: '2026-11-28T12:00:00' });
    assert.equal(await ask('CalendarEvent/respond', { id, participationStatus: 'accepted' }), 'invalidArguments');
    const answer = record(await ask('CalendarEvent/get', { ids: ['nonsense', `${id}_20261128T130000`] }));
    assert.deepEqual(answer['notFound'], ['nonsense', `${id}_20261128T130000`]);
  });

  test('rules by the second, in an invitation too, cost no more than their bound', async () => {
    const lines = (rule: string): string =>
      `From: eve@example.com\r\nSubject: often\r\nContent-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:${rule}\r\nDTSTAMP:20261101T000000Z\r\nDTSTART:20260101T000000Z\r\nSUMMARY:often\r\nRRULE:${rule}\r\nORGANIZER:mailto:eve@example.com\r\nATTENDEE:mailto:bob@example.com\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n`;
    for (const rule of [
      'FREQ=SECONDLY',
      'FREQ=SECONDLY;COUNT=1000000',
      'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30',
      'FREQ=DAILY;BYMONTH=2;BYMONTHDAY=31;COUNT=5',
      'FREQ=MINUTELY;INTERVAL=999999999',
    ])
      await stage.deliver('eve@example.com', 'bob@example.com', lines(rule));
    const events = await bob.events(...WEEK, { filter: { after: WEEK[0], before: WEEK[1], text: 'often' } });
    assert.equal(events.length, 1000, 'the endless one, as far as one item is shown');
  });
});
