/**
 * Logs that people and cmdlets read line by line: what a sender writes into a subject or a host name must never become
 * a line of its own, and a log file that goes away while it is read must not take the server with it.
 */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { csv } from '../../src/observe/protocol-log/mail-protocol.ts';
import { SmtpProtocolLog } from '../../src/observe/protocol-log/smtp.ts';
import { SmtpSessionLog } from '../../src/smtp/server/session-log.ts';
import { type TrackingEvent, TrackingLog, type TrackingRecord } from '../../src/transport/tracking-log.ts';

const event: TrackingEvent = {
  eventId: 'RECEIVE',
  source: 'SMTP',
  clientIp: '192.0.2.66',
  clientHostname: 'evil.example',
  connectorId: 'Default',
  internalMessageId: 'true-1',
  messageId: '<a@b>',
  recipients: ['ada@example.org'],
  recipientStatus: [],
  totalBytes: 1,
  subject: '',
  sender: 'eve@example.net',
  returnPath: 'eve@example.net',
  directionality: 'Incoming',
};

async function withLog(run: (log: TrackingLog, directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'penfold-forging-'));
  try {
    const log = new TrackingLog({ directory, serverHostname: 'mail', version: '1', onTrouble: assert.fail });
    await run(log, directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

test('what a client sends for AUTH is in no protocol log, however it is written', async () => {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'penfold-secrets-'));
  try {
    const file = new SmtpProtocolLog({
      version: '1',
      settings: () => ({
        directory,
        prefix: 'RECV',
        rollOver: 'Daily',
        perFileQuota: 0,
        maxAge: 0,
        maxDirectorySize: Infinity,
      }),
      onTrouble: assert.fail,
    });
    const end = { address: '192.0.2.1', port: 25 };
    const ends = { local: end, remote: end };
    const log = new SmtpSessionLog(file, 's', ends, () => ({ name: 'Default', protocolLoggingLevel: 'Verbose' }));
    for (const argument of ['PLAIN c2VjcmV0', 'PLAIN\tc2VjcmV0', 'PLAIN=c2VjcmV0', 'c2VjcmV0', ' PLAIN c2VjcmV0', ''])
      log.received('AUTH', Buffer.from(argument));
    log.received('AUTH', Buffer.from('SCRAM-SHA-256'));
    log.received('EHLO', Buffer.from('client.example'));
    await file.flush();
    const [name = ''] = await readdir(directory);
    const text = await readFile(path.join(directory, name), 'utf8');
    assert.doesNotMatch(text, /c2VjcmV0/);
    assert.match(text, /AUTH PLAIN \*{5}/);
    assert.match(text, /AUTH SCRAM-SHA-256,/);
    assert.match(text, /EHLO client\.example/);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});

async function read(log: TrackingLog): Promise<readonly TrackingRecord[]> {
  const records: TrackingRecord[] = [];
  for await (const record of log.read({})) records.push(record);
  return records;
}

for (const [name, separator] of [
  ['LINE SEPARATOR', '\u2028'],
  ['PARAGRAPH SEPARATOR', '\u2029'],
  ['NEXT LINE', '\u0085'],
  ['CR LF', '\r\n'],
] as const) {
  test(`a subject with ${name} forges no tracking record`, async () => {
    const forged = `2026-01-01T00:00:00.000Z,192.0.2.1,,,mail,,Default,STOREDRIVER,DELIVER,forged-1,<x@y>,,boss@example.org`;
    await withLog(async (log) => {
      log.write({ ...event, subject: `hello${separator}${forged}` });
      const records = await read(log);
      assert.deepEqual(
        records.map((record) => record.internalMessageId),
        ['true-1'],
      );
    });
  });
}

test('no character that turns the direction of a terminal line comes through', () => {
  assert.equal(csv('invoice\u202Egpj.exe\u2066'), 'invoice?gpj.exe?');
});

test('a tracking log file that cannot be read is an error of the reader, not of the process', async () => {
  await withLog(async (log, directory) => {
    await mkdir(path.join(directory, 'MSGTRK20260101-1.LOG'));
    await assert.rejects(read(log));
  });
});
