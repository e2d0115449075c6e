import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '../observe/log.ts';
import { openMemoryDatabase } from '../store/engine/memory/index.ts';
import { mailboxId } from '../store/model.ts';
import { MaintenanceSchedule } from './maintenance.ts';

const HOUR = 3_600_000;

test('each mailbox once a day, one in use when it is quiet, at the latest after three days', async () => {
  const database = openMemoryDatabase();
  const [quiet, busy] = [
    mailboxId('11111111-1111-4111-8111-111111111111'),
    mailboxId('22222222-2222-4222-8222-222222222222'),
  ];
  for (const id of [quiet, busy]) (await database.open(id)).close();
  const opened: string[] = [];
  let now = 1_000_000 * HOUR;
  let isBusy = true;
  const schedule = new MaintenanceSchedule({
    databases: () => [
      new Proxy(database, {
        get: (target, key) => {
          if (key !== 'open') return Reflect.get(target, key).bind(target);
          return async (id: typeof quiet) => {
            opened.push(id);
            return target.open(id);
          };
        },
      }),
    ],
    isInUse: (id) => isBusy && id === busy,
    log: silentLog,
    now: () => now,
  });
  const round = async (hours: number): Promise<string[]> => {
    now += hours * HOUR;
    opened.length = 0;
    await schedule.round();
    return [...opened];
  };
  assert.deepEqual(await round(0), [quiet]);
  assert.deepEqual(await round(1), []);
  assert.deepEqual(await round(24), [quiet]);
  assert.deepEqual(await round(48), [quiet, busy], 'the busy one has waited for three days');
  assert.deepEqual(await round(1), []);
  isBusy = false;
  assert.deepEqual(await round(24), [quiet, busy]);
  await schedule.stop();
  assert.deepEqual(await round(48), [], 'stopped');
  await database.close();
});
