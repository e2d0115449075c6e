import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { csv, MailProtocolLog, type ProtocolLogSettings } from './mail-protocol.ts';
import { periodOf, RollingFile, type RollingFileSettings } from './rolling-file.ts';

const NOON = Date.UTC(2026, 10, 25, 12, 30);

async function inDirectory(run: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'penfold-protocol-log-'));
  try {
    await run(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const base = (directory: string): RollingFileSettings => ({
  directory,
  prefix: 'IMAP4',
  rollOver: 'Daily',
  perFileQuota: 0,
  maxAge: 0,
  maxDirectorySize: Infinity,
});

test('a period is named by its hour, day, Monday or month in UTC', () => {
  assert.equal(periodOf('Hourly', NOON), '2026112512');
  assert.equal(periodOf('Daily', NOON), '20261125');
  assert.equal(periodOf('Weekly', NOON), '20261123');
  assert.equal(periodOf('Weekly', Date.UTC(2026, 10, 29, 23)), '20261123');
  assert.equal(periodOf('Monthly', NOON), '202611');
});

test('a new file begins with the next day, and a restart goes on in the last one', async () => {
  await inDirectory(async (directory) => {
    let now = NOON;
    const options = { header: () => '#h\r\n', settings: () => base(directory), onTrouble: assert.fail, now: () => now };
    const first = new RollingFile(options);
    first.write('one');
    await first.flush();
    const second = new RollingFile(options);
    second.write('two');
    await second.flush();
    now += 24 * 3_600_000;
    second.write('three');
    await second.flush();
    assert.deepEqual((await readdir(directory)).toSorted(), ['IMAP420261125-1.LOG', 'IMAP420261126-1.LOG']);
    assert.equal(await readFile(path.join(directory, 'IMAP420261125-1.LOG'), 'utf8'), '#h\r\none\r\ntwo\r\n');
  });
});

test('a size quota begins a new file; unlimited keeps one', async () => {
  await inDirectory(async (directory) => {
    let perFileQuota = 20;
    const log = new RollingFile({
      header: () => '',
      settings: () => ({ ...base(directory), perFileQuota }),
      onTrouble: assert.fail,
      now: () => NOON,
    });
    for (const line of ['0123456789', '0123456789', '0123456789']) {
      log.write(line);
      await log.flush();
    }
    assert.deepEqual((await readdir(directory)).toSorted(), ['IMAP420261125-1.LOG', 'IMAP420261125-2.LOG']);
    perFileQuota = Infinity;
    const unlimited = new RollingFile({
      header: () => '',
      settings: () => ({ ...base(directory), perFileQuota }),
      onTrouble: assert.fail,
    });
    unlimited.write('x'.repeat(100));
    await unlimited.flush();
    assert.ok((await readdir(directory)).includes('IMAP4.LOG'));
  });
});

test('old files and those above the total go, others of the folder stay', async () => {
  await inDirectory(async (directory) => {
    const put = async (name: string, size: number, daysAgo: number): Promise<void> => {
      const file = path.join(directory, name);
      await writeFile(file, 'x'.repeat(size));
      await utimes(file, NOON / 1000 - daysAgo * 86_400, NOON / 1000 - daysAgo * 86_400);
    };
    await put('IMAP420261001-1.LOG', 10, 50);
    await put('IMAP420261120-1.LOG', 600, 5);
    await put('IMAP420261121-1.LOG', 600, 4);
    await put('payroll.LOG', 5_000, 900);
    const log = new RollingFile({
      header: () => '',
      settings: () => ({ ...base(directory), maxAge: 30 * 86_400, maxDirectorySize: 1_000 }),
      onTrouble: assert.fail,
      now: () => NOON,
    });
    log.write('now');
    await log.flush();
    assert.deepEqual((await readdir(directory)).toSorted(), [
      'IMAP420261121-1.LOG',
      'IMAP420261125-1.LOG',
      'payroll.LOG',
    ]);
  });
});

test('a folder that cannot be written costs lines and is reported once', async () => {
  await inDirectory(async (directory) => {
    const file = path.join(directory, 'in-the-way');
    await writeFile(file, '');
    const reports: number[] = [];
    const log = new RollingFile({
      header: () => '',
      settings: () => base(file),
      onTrouble: (_error, dropped) => reports.push(dropped),
    });
    for (let i = 0; i < 3; i += 1) {
      log.write('lost');
      await log.flush();
    }
    assert.deepEqual(reports, [1]);
  });
});

test('a session writes the fields of Exchange in order, or JSON, and nothing while it is off', async () => {
  await inDirectory(async (directory) => {
    let settings: ProtocolLogSettings = { ...base(directory), enabled: false, format: 'Csv' };
    const log = new MailProtocolLog({
      logType: 'IMAP4 Protocol Log',
      version: '1.0',
      settings: () => settings,
      onTrouble: assert.fail,
      now: () => NOON,
    });
    const session = log.session({ session: '00000000000000AB', local: '127.0.0.1:143', remote: '127.0.0.1:50000' });
    const record = {
      parameters: 'ada *****',
      requestSize: 20,
      responseSize: 30,
      duration: 1.4,
      context: 'R="a NO, no"',
    };
    session.write({ command: 'off', ...record });
    settings = { ...settings, enabled: true };
    session.write({ command: 'login', ...record });
    session.user = 'ada';
    session.write({ command: 'noop\r\nforged', ...record, parameters: '' });
    await log.flush();
    const lines = (await readFile(path.join(directory, 'IMAP420261125-1.LOG'), 'utf8')).split('\r\n');
    assert.equal(lines[2], '#Log-type: IMAP4 Protocol Log');
    assert.match(
      lines[5] ?? '',
      /^[^,]+Z,00000000000000AB,0,127\.0\.0\.1:143,127\.0\.0\.1:50000,,1,20,30,login,ada \*{5},"R=""a NO, no""",$/,
    );
    assert.match(lines[6] ?? '', /,1,127\.0\.0\.1:143,127\.0\.0\.1:50000,ada,1,20,30,noop\?\?forged,,/);
    settings = { ...settings, format: 'Json', prefix: 'IMAP4JSON' };
    const json = new MailProtocolLog({
      logType: '',
      version: '',
      settings: () => settings,
      onTrouble: assert.fail,
      now: () => NOON,
    });
    json.session({ session: 'AB', local: 'l', remote: 'r' }).write({ command: 'noop', ...record });
    await json.flush();
    const written: unknown = JSON.parse(await readFile(path.join(directory, 'IMAP4JSON20261125-1.LOG'), 'utf8'));
    assert.equal(typeof written === 'object' && written !== null && Reflect.get(written, 'command'), 'noop');
  });
});

test('csv quotes what needs it and lets no control character through', () => {
  assert.equal(csv('a,b'), '"a,b"');
  assert.equal(csv('a"b'), '"a""b"');
  assert.equal(csv('a\r\n\u001b[31mb'), 'a???[31mb');
});
