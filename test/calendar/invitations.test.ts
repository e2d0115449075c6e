/**
 * Must show 7 without the browser: an invitation of the corpus comes by SMTP, is a tentative item, is accepted, its
 * organizer gets the REPLY; by POP each CalendarItemRetrievalOption shows what exchange-behaviour.md §5.1 says, and the
 * link opens the item.
 */
import assert from 'node:assert/strict';
import type { Buffer } from 'node:buffer';
import { once } from 'node:events';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { LineEndNormalizer } from '../../src/message/line-ends.ts';
import { Pop3Client } from '../dialogues/pop3/client.ts';
import { at } from '../jmap/client.ts';
import { corpusMessages, corpusMissing } from '../support/corpus.ts';
import { listOf, openStage, type Person, type Stage } from './stage.ts';

const LINK = /https:\/\/[\w./-]+\/calendar\/item\/([\w-]{22})/;
const DAY = ['2022-03-16T00:00:00', '2022-03-17T00:00:00'] as const;

const corpus = (name: string): Buffer => {
  for (const message of corpusMessages())
    if (message.name.endsWith(`__data__${name}.eml`)) return new LineEndNormalizer().push(message.bytes);
  return assert.fail(`the corpus has no ${name}`);
};

describe('invitations of the corpus', { skip: corpusMissing() }, () => {
  let stage: Stage;
  let receiver: Person;
  let sender: Person;
  const deliver = (name: string): Promise<void> =>
    stage.deliver('sender@example.com', 'receiver@example.com', corpus(name));

  before(async () => {
    stage = await openStage(['receiver', 'sender', 'other']);
    receiver = stage.person(0);
    sender = stage.person(1);
  });
  after(() => stage.stop());

  async function pop(): Promise<string> {
    const socket = net.connect(stage.organization.pop3.plain, stage.organization.host);
    await once(socket, 'connect');
    const client = new Pop3Client(socket);
    await client.line();
    await client.command(`USER ${receiver.user.address}`);
    assert.match(await client.command(`PASS ${receiver.user.password}`), /^\+OK/);
    const text = (await client.multiLine('RETR 1')).toString('latin1');
    client.hangUp();
    return text;
  }

  test('arrives as a tentative item', async () => {
    await deliver('single-event');
    const [event, ...others] = await receiver.events(...DAY);
    assert.deepEqual(others, []);
    assert.equal(event?.['title'], 'Single Event');
    assert.equal(event['status'], 'tentative');
    assert.equal(event['participationStatus'], 'needs-action');
    assert.equal(event['utcStart'], '2022-03-16T11:00:00Z');
    assert.equal(event['isOrigin'], false);
  });

  test('the same message again changes nothing', async () => {
    const { state } = await receiver.call('CalendarEvent/get', { ids: [] });
    await deliver('single-event');
    assert.equal((await receiver.call('CalendarEvent/get', { ids: [] }))['state'], state);
    assert.equal((await receiver.events(...DAY)).length, 1);
  });

  test('the mail names its event, accepting tells the organizer, and the item is confirmed', async () => {
    const [mail] = await receiver.mails();
    const answer = await receiver.call('CalendarEvent/ofEmail', { emailIds: [mail?.['id']] });
    const [invitation] = listOf(answer);
    assert.equal(invitation?.['method'], 'request');
    const [event] = await receiver.events(...DAY);
    assert.equal(invitation['eventId'], event?.['id']);
    const responded = await receiver.call('CalendarEvent/respond', {
      emailId: mail?.['id'],
      participationStatus: 'accepted',
      comment: 'See you there',
    });
    assert.deepEqual(responded['unreachedParticipants'], []);
    const [now] = await receiver.events(...DAY);
    assert.deepEqual([now?.['status'], now?.['participationStatus']], ['confirmed', 'accepted']);
    const [reply] = await sender.mails(['subject', 'bodyValues', 'bodyStructure', 'from']);
    assert.equal(reply?.['subject'], 'Accepted: Single Event');
    assert.equal(at(reply, 'from', '0', 'email'), 'receiver@example.com');
    const [sent] = listOf(await sender.call('CalendarEvent/ofEmail', { emailIds: [reply['id']] }));
    assert.equal(sent?.['method'], 'reply');
    assert.equal(sent['comment'], 'See you there');
    assert.equal(at(sent, 'sent', 'uid'), at(event, 'uid'));
    const people = Object.values(Object(at(sent, 'sent', 'participants')));
    const asked = people.find((one) => at(one, 'email') === 'receiver@example.com');
    assert.equal(at(asked, 'participationStatus'), 'accepted');
  });

  const options = [
    { calendarItemRetrievalOption: 'IntranetUrl' },
    {
      calendarItemRetrievalOption: 'InternetUrl',
      externalConnectionSettings: [{ host: 'mail.contoso.example', port: 995, encryption: 'SSL' }],
    },
    { calendarItemRetrievalOption: 'Custom', owaServerUrl: 'https://owa.contoso.example/owa/' },
  ] as const;
  test('by POP with iCalendar the meeting is as it came', async () => {
    const text = await pop();
    assert.match(text, /text\/calendar/i);
    assert.doesNotMatch(text, LINK);
  });
  for (const option of options) {
    test(`by POP with ${option.calendarItemRetrievalOption} a link opens the item`, async () => {
      const { directory, server, running } = stage.organization;
      await directory.setPopSettings(server.id, option);
      await running.settled();
      const text = await pop();
      assert.doesNotMatch(text, /VCALENDAR/);
      const id = LINK.exec(text)?.[1];
      const { list, notFound } = await receiver.call('CalendarEvent/get', { ids: [id] });
      assert.deepEqual(notFound, []);
      assert.equal(at(list, '0', 'title'), 'Single Event');
      assert.equal(at(list, '0', 'id'), id);
    });
  }

  test('an update moves it and asks anew, an older message changes nothing, a cancellation marks it', async () => {
    await deliver('update-major');
    const [moved] = await receiver.events(...DAY);
    assert.equal(moved?.['utcStart'], '2022-03-16T05:00:00Z');
    assert.equal(moved['participationStatus'], 'needs-action');
    await deliver('single-event');
    assert.equal((await receiver.events(...DAY))[0]?.['utcStart'], '2022-03-16T05:00:00Z');
    // Called off under SEQUENCE 1, before it was moved under 2.
    await deliver('cancel-single-event');
    assert.equal((await receiver.events(...DAY))[0]?.['status'], 'tentative');
    const last = corpus('cancel-single-event').toString('latin1').replace('SEQUENCE:1', 'SEQUENCE:3');
    await stage.deliver('sender@example.com', 'receiver@example.com', last);
    assert.equal((await receiver.events(...DAY))[0]?.['status'], 'cancelled');
  });

  test('a mail of another organizer about the same event is not followed', async () => {
    const forged = corpus('update-major').toString('latin1').replaceAll('sender@example.com', 'eve@example.org');
    await stage.deliver('eve@example.org', 'receiver@example.com', forged.replace('SEQUENCE:2', 'SEQUENCE:9'));
    const [event] = await receiver.events(...DAY);
    assert.equal(event?.['status'], 'cancelled');
    assert.equal(event['utcStart'], '2022-03-16T05:00:00Z');
  });
});
