import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { splitCsv, type TrackingEvent, TrackingLog, type TrackingQuery, type TrackingRecord } from './tracking-log.ts';

async function all(log: TrackingLog, query: TrackingQuery): Promise<readonly TrackingRecord[]> {
  const records: TrackingRecord[] = [];
  for await (const record of log.read(query)) records.push(record);
  return records;
}

const event: TrackingEvent = {
  eventId: 'RECEIVE',
  source: 'SMTP',
  clientIp: '192.0.2.1',
  clientHostname: 'client.example',
  connectorId: 'MAIL\\Client Frontend MAIL',
  internalMessageId: 'abc-1',
  messageId: '<a@b>',
  recipients: ['ada@example.org', 'bob@example.org'],
  recipientStatus: [],
  totalBytes: 1234,
  subject: 'Lunch, "perhaps"\r\n',
  sender: 'Ada@example.org',
  returnPath: 'ada@example.org',
  directionality: 'Originating',
};

test('what was written can be asked for by each property, and only that', async () => {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'penfold-tracking-'));
  try {
    const log = new TrackingLog({ directory, serverHostname: 'mail', version: '1', onTrouble: assert.fail });
    log.write(event);
    log.write({ ...event, eventId: 'DELIVER', source: 'STOREDRIVER', recipients: ['bob@example.org'] });
    log.write({ ...event, internalMessageId: 'def-1', sender: 'eve@example.net', subject: 'Other' });
    const found = async (query: TrackingQuery): Promise<number> => (await all(log, query)).length;
    assert.equal(await found({}), 3);
    assert.equal(await found({ eventId: 'DELIVER' }), 1);
    assert.equal(await found({ source: 'SMTP' }), 2);
    assert.equal(await found({ sender: 'ADA@example.org' }), 2);
    assert.equal(await found({ recipients: ['ada@example.org'] }), 2);
    assert.equal(await found({ recipients: ['nobody@example.org'] }), 0);
    assert.equal(await found({ subject: 'lunch' }), 2);
    assert.equal(await found({ internalMessageId: 'def-1' }), 1);
    assert.equal(await found({ start: Date.now() + 60_000 }), 0);
    assert.equal(await found({ end: Date.now() - 60_000 }), 0);
    const [first] = await all(log, { internalMessageId: 'abc-1', eventId: 'RECEIVE' });
    assert.equal(first?.subject, 'Lunch, "perhaps"??');
    assert.deepEqual(first?.recipients, event.recipients);
    assert.equal(first?.totalBytes, 1234);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});

test('who has gone away has nothing read for him any more, also where nothing matches', async () => {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'penfold-tracking-'));
  try {
    const log = new TrackingLog({ directory, serverHostname: 'mail', version: '1', onTrouble: assert.fail });
    for (let i = 0; i < 1000; i += 1) log.write(event);
    const gone = new AbortController();
    const reading = all(log, { sender: 'nobody@example.org', signal: gone.signal });
    gone.abort(new Error('gone'));
    await assert.rejects(reading, /gone/);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});

test('a log that is not there yet is empty', async () => {
  const log = new TrackingLog({
    directory: path.join(os.tmpdir(), 'penfold-no-such-directory'),
    serverHostname: 'mail',
    version: '1',
    onTrouble: assert.fail,
  });
  assert.deepEqual(await all(log, {}), []);
});

test('csv is split as it was joined', () => {
  assert.deepEqual(splitCsv('a,"b,""c""",,d'), ['a', 'b,"c"', '', 'd']);
  assert.deepEqual(splitCsv(',,'), ['', '', '']);
});
