import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { fakeRunningServer } from '../../../test/management/fake-running-server.ts';
import {
  failure,
  type InMemoryOrganization,
  inMemoryOrganization,
  shownText,
} from '../../../test/management/in-memory-organization.ts';
import { type TrackingEvent, TrackingLog } from '../../transport/tracking-log.ts';
import type { RawArgument } from '../cmdlet.ts';

let org: InMemoryOrganization;
let root: string;
let log: TrackingLog;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'penfold-tracking-cmdlet-'));
  log = new TrackingLog({
    directory: root,
    serverHostname: 'MAIL1',
    version: 'test',
    onTrouble: (error) => assert.fail(String(error)),
  });
  org = await inMemoryOrganization({
    running: fakeRunningServer(() => org, { messageTracking: (query) => log.read(query) }),
  });
});
afterEach(async () => {
  await log.flush();
  await org.close();
  await rm(root, { recursive: true });
});

const event = (eventId: TrackingEvent['eventId'], subject: string, recipient: string): TrackingEvent => ({
  eventId,
  source: eventId === 'RECEIVE' ? 'SMTP' : 'STOREDRIVER',
  clientIp: '192.0.2.1',
  clientHostname: 'client.example.test',
  connectorId: 'MAIL1\\Default Frontend MAIL1',
  internalMessageId: 'S1-1',
  messageId: `<${subject.toLowerCase()}@example.test>`,
  recipients: [recipient],
  recipientStatus: [],
  totalBytes: 2048,
  subject,
  sender: 'charles@example.test',
  returnPath: 'charles@example.test',
  directionality: 'Incoming',
});

test('events by kind, people, subject, id and time; at most -ResultSize', async () => {
  for (const subject of ['Lunch', 'Invoice'])
    for (const eventId of ['RECEIVE', 'DELIVER'] as const) log.write(event(eventId, subject, 'ann@example.test'));
  log.write(event('FAIL', 'Lunch', 'bob@example.test'));
  const found = async (args: Readonly<Record<string, RawArgument>>): Promise<string> =>
    (await org.run('Get-MessageTrackingLog', args))
      .map((one) => `${shownText(one['EventId'])} ${shownText(one['MessageSubject'])}`)
      .join(', ');
  assert.equal((await org.run('Get-MessageTrackingLog')).length, 5);
  assert.equal(await found({ EventId: 'fail' }), 'FAIL Lunch');
  assert.equal(await found({ Recipients: ['BOB@example.test', 'x@example.test'] }), 'FAIL Lunch');
  assert.equal(await found({ MessageSubject: 'voice', Source: 'STOREDRIVER' }), 'DELIVER Invoice');
  assert.equal(await found({ MessageId: '<invoice@example.test>', EventId: 'RECEIVE' }), 'RECEIVE Invoice');
  assert.equal(await found({ Sender: 'dora@example.test' }), '');
  assert.equal(await found({ End: '2001-01-01' }), '');
  assert.equal(await found({ ResultSize: 1 }), 'RECEIVE Lunch');
  assert.match(org.warnings.join(), /more than 1/);
  const [first] = await org.run('Get-MessageTrackingLog', { ResultSize: 1 });
  assert.equal(shownText(first?.['TotalBytes']), '2 KB (2,048 bytes)');
});

test('refusals: a range the wrong way round, an unknown event, another server, no server', async () => {
  await assert.rejects(
    org.run('Get-MessageTrackingLog', { Start: '2026-01-02', End: '2026-01-01' }),
    failure('CANNOT', /-End must be later than -Start/),
  );
  await assert.rejects(
    org.run('Get-MessageTrackingLog', { EventId: 'SENT' }),
    failure('CANNOT', /EventId must be one of/),
  );
  const [site] = await org.directory.sites();
  await org.directory.addServer({
    name: 'MAIL2',
    fqdn: 'mail2.example.test',
    site: site?.id ?? assert.fail(),
    frontEnd: true,
    backEnd: true,
  });
  await assert.rejects(
    org.run('Get-MessageTrackingLog', { Server: 'MAIL2' }),
    failure('UNAVAILABLE', /run the cmdlet on MAIL2/),
  );
  const alone = await inMemoryOrganization();
  await assert.rejects(alone.run('Get-MessageTrackingLog'), failure('UNAVAILABLE', /penfold serve/));
  await alone.close();
});
