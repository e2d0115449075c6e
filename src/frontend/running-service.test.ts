import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'node:test';
import { openSqliteDirectory } from '../directory/engine/sqlite/directory.ts';
import { silentLog } from '../observe/log.ts';
import { ConnectionTally } from '../observe/metrics/tally.ts';
import { RunningService } from './running-service.ts';

test('a change that comes while the service starts is applied behind the start, never beside it', async () => {
  const directory = await openSqliteDirectory({ file: ':memory:' });
  const site = await directory.addSite('Main');
  const { id } = await directory.addServer({
    name: 'mail1',
    fqdn: 'mail1.example.test',
    site: site.id,
    frontEnd: true,
    backEnd: true,
  });
  let applied = 0;
  let busy = false;
  const second = Promise.withResolvers<void>();
  const service = new RunningService({
    directory,
    server: id,
    services: ['frontend-transport'],
    concerns: ['service'],
    log: silentLog,
    connections: new ConnectionTally(),
    apply: async () => {
      assert.equal(busy, false, 'two at once would open the same bindings twice');
      busy = true;
      applied += 1;
      if (applied === 1) await directory.setService(id, 'frontend-transport', { running: true });
      for (let i = 0; i < 5; i += 1) await turn();
      busy = false;
      if (applied === 2) second.resolve();
      return [];
    },
  });
  try {
    await service.start();
    await second.promise;
  } finally {
    await service.drain(0);
    await directory.close();
  }
});
