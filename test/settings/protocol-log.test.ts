/**
 * What the parameters of the protocol logs do on a running server (exchange-behaviour.md §5.10, §9.7): each is set
 * through the door, a session is held, and its lines are found in the files where they should be.
 */
import assert from 'node:assert/strict';
import { readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { IMAP, POP } from './mail-protocol-effects.ts';
import { LINE, say, SettingsStage, SMTP_REPLY } from './stage.ts';

/** Lines are gathered for half a second before they are written. */
const GIVE_UP_MS = 5_000;
const LOOK_AGAIN_MS = 25;

let stage: SettingsStage;
before(async () => {
  stage = await SettingsStage.open();
});
after(() => stage.close());

type Files = ReadonlyMap<string, string>;

/** Files of a folder below the data directory. */
async function filesOf(folder: string): Promise<Files> {
  const directory = path.join(stage.organization.layout.root, folder);
  const names = await readdir(directory).catch(() => []);
  const texts = await Promise.all(names.map((name) => readFile(path.join(directory, name), 'utf8')));
  return new Map(names.map((name, at) => [name, texts[at] ?? '']));
}

/** The files as soon as they are as wanted. */
async function filesWhen(folder: string, wanted: (files: Files) => boolean): Promise<Files> {
  const giveUp = performance.now() + GIVE_UP_MS;
  for (;;) {
    const files = await filesOf(folder);
    if (wanted(files)) return files;
    assert.ok(performance.now() < giveUp, `${folder}: ${JSON.stringify([...files])}`);
    await delay(LOOK_AGAIN_MS);
  }
}

const anyHas =
  (text: string) =>
  (files: Files): boolean =>
    [...files.values()].some((one) => one.includes(text));

for (const { noun, logOn, noop } of [POP, IMAP]) {
  const folder = noun === 'PopSettings' ? 'logs/pop3' : 'logs/imap4';
  const prefix = noun === 'PopSettings' ? 'POP3BE' : 'IMAP4BE';
  const name = (tail: RegExp) => new RegExp(`^${prefix}${tail.source}`);
  const set = (parameter: string, value: string | number | boolean): Promise<void> =>
    stage.set(noun, {}, parameter, value);
  /** A session of Bob; only when he logs on his name comes into a file. */
  async function session(): Promise<void> {
    await noop(await logOn(stage, stage.bob));
    await stage.everybodyLeaves();
  }
  const ofBackEnd = (files: Files): readonly string[] => [...files.keys()].filter((file) => file.startsWith(prefix));

  test(`${noun} ProtocolLogEnabled: sessions are logged from then on, those that are open as well`, async () => {
    const open = await logOn(stage);
    await noop(open);
    await set('ProtocolLogEnabled', true);
    await noop(open);
    await session();
    const files = await filesWhen(folder, anyHas(stage.bob.address));
    const text = [...files.values()].join('');
    assert.match(text, /,alice@example\.test,\d+,\d+,\d+,noop,/);
    assert.equal([...text.matchAll(/alice@example\.test,.*noop/g)].length, 1, 'what was before is not there');
    await stage.everybodyLeaves();
  });

  test(`${noun} LogFileRollOverSettings: files are named by the hour or the month`, async () => {
    const day = new Date().toISOString().slice(0, 10).replaceAll('-', '');
    for (const [rollOver, tail] of [
      ['Hourly', /\d{10}-1\.LOG$/],
      ['Monthly', new RegExp(`${day.slice(0, 6)}-1\\.LOG$`)],
    ] as const) {
      await set('LogFileRollOverSettings', rollOver);
      await session();
      await filesWhen(folder, (files) => ofBackEnd(files).some((file) => name(tail).test(file)));
    }
    await set('LogFileRollOverSettings', 'Daily');
  });

  test(`${noun} LogFileLocation: lines go to the other folder`, async () => {
    const other = `${folder}-elsewhere`;
    await set('LogFileLocation', other);
    await session();
    await filesWhen(other, anyHas(stage.bob.address));
    await set('LogFileLocation', folder);
  });

  test(`${noun} LogFormat: a file of its own for the other kind`, async () => {
    const had = ofBackEnd(await filesOf(folder));
    await set('LogFormat', 'Json');
    await session();
    const files = await filesWhen(folder, (now) => ofBackEnd(now).length > had.length && anyHas('{"dateTime"')(now));
    for (const text of files.values()) {
      const kinds = new Set(
        text
          .split('\r\n')
          .filter((line) => line !== '')
          .map((line) => line.startsWith('{')),
      );
      assert.equal(kinds.size, 1, 'CSV and JSON are not mixed');
    }
    await set('LogFormat', 'Csv');
  });

  test(`${noun} LogPerFileSizeQuota: a full file is followed by the next`, async () => {
    await session();
    await set('LogPerFileSizeQuota', 100);
    const had = ofBackEnd(await filesWhen(folder, anyHas(stage.bob.address)));
    await session();
    const next = await filesWhen(folder, (files) => ofBackEnd(files).length > had.length);
    await session();
    await filesWhen(folder, (files) => ofBackEnd(files).length > ofBackEnd(next).length);
    await set('LogPerFileSizeQuota', 0);
  });

  test(`${noun} LogMaxAge: what is older goes with the next line`, async () => {
    const old = path.join(stage.organization.layout.root, folder, `${prefix}20200101-1.LOG`);
    await writeFile(old, 'old');
    const then = new Date('2026-01-01T00:00:00Z');
    await utimes(old, then, then);
    await set('LogMaxAge', '1.00:00:00');
    await session();
    await filesWhen(folder, (files) => !files.has(path.basename(old)) && files.size > 0);
    await set('LogMaxAge', '30.00:00:00');
  });

  test(`${noun} ProtocolLogEnabled false: nothing more is written`, async () => {
    await set('ProtocolLogEnabled', false);
    await stage.organization.running.settled();
    const talk = await logOn(stage);
    await noop(talk);
    await set('LogFileLocation', `${folder}-quiet`);
    await noop(talk);
    await stage.everybodyLeaves();
    // Turned on again, the first line of the folder is of the time after.
    await set('ProtocolLogEnabled', true);
    await session();
    const text = [...(await filesWhen(`${folder}-quiet`, anyHas(stage.bob.address))).values()].join('');
    assert.doesNotMatch(text, /alice/);
    await set('ProtocolLogEnabled', false);
    await set('LogFileLocation', folder);
  });
}

test('ReceiveConnector ProtocolLoggingLevel: Verbose logs every line, of open sessions as well, None stops it', async () => {
  const inbound = { Identity: 'Default Frontend TEST' };
  const folder = 'logs/smtp-receive';
  await stage.set('ReceiveConnector', inbound, 'ProtocolLoggingLevel', 'None');
  const talk = await stage.smtp();
  await say(talk, 'MAIL FROM:<before@b.example>', SMTP_REPLY, /^250/);
  await stage.set('ReceiveConnector', inbound, 'ProtocolLoggingLevel', 'Verbose');
  await say(talk, 'RSET', SMTP_REPLY, /^250/);
  await say(talk, 'MAIL FROM:<while@b.example>', SMTP_REPLY, /^250/);
  await stage.set('ReceiveConnector', inbound, 'ProtocolLoggingLevel', 'None');
  await say(talk, 'RSET', SMTP_REPLY, /^250/);
  await say(talk, 'MAIL FROM:<after@b.example>', SMTP_REPLY, /^250/);
  const text = [...(await filesWhen(folder, anyHas('while@b.example'))).values()].join('');
  assert.doesNotMatch(text, /(?:before|after)@b\.example/);
  assert.match(text, /,>,250 2\.1\.0 sender OK,/);
  await stage.set('ReceiveConnector', inbound, 'ProtocolLoggingLevel', 'Verbose');
  await stage.everybodyLeaves();
  assert.match(await stage.greeting(stage.organization.smtp.inbound), LINE);
});
