/**
 * Who looks after servers over the network is no user of the machine: settings that name folders lead nowhere outside
 * the data directory then. And a database that cannot be opened takes no other one, and no server, down with it.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Directory } from '../../src/directory/api.ts';
import { Databases } from '../../src/main/databases.ts';
import { Failure } from '../../src/observe/failure.ts';
import { silentLog } from '../../src/observe/log.ts';
import { openMemoryDatabase } from '../../src/store/engine/memory/index.ts';
import { inMemoryOrganization, type InMemoryOrganization } from '../management/in-memory-organization.ts';

describe('places on the server', () => {
  let organization: InMemoryOrganization;
  before(async () => {
    organization = await inMemoryOrganization();
  });
  after(() => organization.close());

  const places = ['/etc/cron.d', '../outside', 'logs/../../outside', '/'];
  const cases: ReadonlyArray<readonly [name: string, args: (place: string) => Readonly<Record<string, string>>]> = [
    ['Set-ImapSettings', (place) => ({ LogFileLocation: place })],
    ['Set-PopSettings', (place) => ({ LogFileLocation: place })],
    ['New-MailboxDatabase', (place) => ({ Name: 'Elsewhere', EdbFilePath: place })],
  ];
  for (const [name, args] of cases) {
    test(`${name}: over the network nothing outside the data directory`, async () => {
      for (const place of places)
        for (const via of ['api', 'web'] as const)
          await assert.rejects(
            organization.run(name, args(place), { roles: ['Server Management'], via }),
            (error) => error instanceof Failure && ['NOPERM', 'CANNOT'].includes(error.code),
            place,
          );
      await organization.run(name, { ...args('kept/inside'), WhatIf: '$true' }, { via: 'api' });
      await organization.run(name, { ...args('/srv/elsewhere'), WhatIf: '$true' }, { via: 'shell' });
    });
  }

  test('a database that cannot be opened keeps no other one closed', async () => {
    const { directory, server } = organization;
    await directory.addDatabase({ name: 'DB0', server: server.id, engine: 'sqlite', location: 'bad' });
    const opened = await openWith(directory, (location) => location === 'bad');
    assert.equal(opened.open.size, (await directory.databases()).length - 1);
    await opened.close();
  });

  test('with none of them a server does not start', async () => {
    await assert.rejects(
      openWith(organization.directory, () => true),
      { code: 'UNAVAILABLE' },
    );
  });

  const openWith = (directory: Directory, isBad: (location: string) => boolean): Promise<Databases> =>
    Databases.open(
      directory,
      organization.server,
      (record) =>
        isBad(record.location)
          ? Promise.reject(new Failure('UNAVAILABLE', 'cannot be opened'))
          : Promise.resolve(openMemoryDatabase()),
      silentLog,
    );
});
