import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Directory } from '../directory/api.ts';
import { openSqliteDirectory } from '../directory/engine/sqlite/directory.ts';
import type { RoleGroup } from '../directory/model.ts';
import { boolean, integer, text } from '../directory/settings/value-types.ts';
import { Failure } from '../observe/failure.ts';
import { silentLog } from '../observe/log.ts';
import type { Caller, ChangingCmdlet, CmdletObject, ManagementServices, Parameter, ReadingCmdlet } from './cmdlet.ts';
import { doorInProcess } from './door-client.ts';
import { CMDLET_SILENCE_MS, COMPLETIONS, ConfirmationNeeded, createDoor, type ManagementDoor } from './door.ts';

const count: Parameter<number> = {
  name: 'Count',
  type: integer({ min: 0, max: 1000 }),
  help: 'How many.',
  complete: () => Promise.resolve(Array.from({ length: 300 }, (_, i) => String(i))),
};
const secret: Parameter<string> = {
  name: 'Password',
  type: text({ max: 10 }),
  secret: true,
  help: 'Secret.',
  complete: () => Promise.resolve(['hunter2']),
};
const flag: Parameter<boolean> = { name: 'Flag', type: boolean, help: 'Or not.' };

const seen = { made: 0, ended: 0, aborted: false };
const getThing: ReadingCmdlet = {
  name: 'Get-Thing',
  aliases: ['Show-Thing'],
  changes: false,
  synopsis: 'Things.',
  parameters: [count, secret, flag],
  examples: [],
  roles: ['Organization Management', 'View-Only Organization Management'],
  columns: [],
  async *run(call) {
    try {
      call.warn('mind the gap');
      for (let at = 0; at < (call.args.optional(count) ?? 3); at += 1) {
        seen.made += 1;
        yield { At: at };
      }
    } finally {
      seen.ended += 1;
    }
  },
};

const changeName: ChangingCmdlet = {
  name: 'Set-Thing',
  changes: true,
  synopsis: 'Renames the organization.',
  parameters: [{ ...flag, name: 'Dangerous' }],
  examples: [],
  roles: ['Organization Management', 'Server Management'],
  columns: [],
  plan: ({ args, services }) =>
    Promise.resolve({
      what: 'Set the name to Changed',
      dangerous: args.optional({ ...flag, name: 'Dangerous' }) ?? false,
      async *apply() {
        await services.directory.setOrganization({ name: 'Changed' });
        yield { Name: 'Changed' };
      },
    }),
};

/** Gives a sign of life so often, then falls silent until it is told to end. */
const hang: ReadingCmdlet = {
  ...getThing,
  name: 'Get-Nothing',
  aliases: [],
  async *run(call) {
    call.progress(1, 2, 'working');
    yield { First: true };
    await new Promise<void>((resolve) => {
      call.signal.addEventListener('abort', () => {
        seen.aborted = true;
        resolve();
      });
    });
  },
};

const caller = (...roles: RoleGroup[]): Caller => ({ user: 'someone@example.test', roles, via: 'api' });
const admin = caller('Organization Management');

describe('the door', () => {
  let directory: Directory;
  let door: ManagementDoor;
  let services: ManagementServices;
  before(async () => {
    directory = await openSqliteDirectory({ file: ':memory:' });
    await directory.setOrganization({ name: 'Before' });
    const site = await directory.addSite('Site');
    const facts = { name: 'S', fqdn: 's.test', frontEnd: true, backEnd: true };
    const server = await directory.addServer({ ...facts, site: site.id });
    const mail = {
      databaseOf: () => {
        throw new Failure('UNAVAILABLE', 'no mail');
      },
      purgeMailbox: () => Promise.reject(new Failure('UNAVAILABLE', 'no mail')),
    };
    services = { directory, server, mail, running: null, log: silentLog };
    door = createDoor([getThing, changeName, hang], services, { silenceMs: 50 });
  });
  after(() => directory.close());

  const all = async (stream: AsyncIterable<CmdletObject>): Promise<CmdletObject[]> => {
    const objects: CmdletObject[] = [];
    for await (const one of stream) objects.push(one);
    return objects;
  };

  test('finds by name and alias in any case; a near name is offered', async () => {
    assert.equal(door.find('get-thing').name, 'Get-Thing');
    assert.equal(door.find('SHOW-THING').name, 'Get-Thing');
    await assert.rejects(all(door.run(admin, 'Get-Thin', {})), /did you mean Get-Thing\?/);
  });

  test('streams objects and warnings', async () => {
    const warnings: string[] = [];
    const objects = await all(door.run(admin, 'Get-Thing', { cou: 2 }, { onWarning: (text) => warnings.push(text) }));
    assert.deepEqual(objects, [{ At: 0 }, { At: 1 }]);
    assert.deepEqual(warnings, ['mind the gap']);
  });

  test('makes no object that nobody asks for, and ends the cmdlet when the client stops', async () => {
    seen.made = 0;
    seen.ended = 0;
    for await (const one of door.run(admin, 'Get-Thing', { Count: 1000 })) if (one['At'] === 1) break;
    assert.deepEqual([seen.made, seen.ended], [2, 1]);
  });

  test('refuses who is in none of its role groups and names them', async () => {
    for (const roles of [[], ['Recipient Management']] as RoleGroup[][]) {
      await assert.rejects(all(door.run(caller(...roles), 'Set-Thing', {})), {
        code: 'NOPERM',
        message: /Organization Management or Server Management/,
      });
    }
    // Before anything is looked at: a stranger learns nothing of the parameters.
    await assert.rejects(all(door.run(caller(), 'Set-Thing', { Nonsense: 1 })), { code: 'NOPERM' });
    assert.equal((await all(door.run(caller('View-Only Organization Management'), 'Get-Thing', {}))).length, 3);
  });

  test('-WhatIf tells and does nothing', async () => {
    for (const [args, options] of [
      [{ WhatIf: true }, {}],
      [{}, { whatIf: true }],
      [{ WhatIf: true, Dangerous: true }, {}],
    ] as const) {
      assert.deepEqual(await all(door.run(admin, 'Set-Thing', args, options)), [{ WhatIf: 'Set the name to Changed' }]);
    }
    assert.equal((await directory.organization()).name, 'Before');
    await assert.rejects(all(door.run(admin, 'Get-Thing', {}, { whatIf: true })), /changes nothing/);
  });

  test('a dangerous change asks first, and so does -Confirm', async () => {
    const asked = (error: unknown): boolean => error instanceof ConfirmationNeeded && /Changed/.test(error.what);
    await assert.rejects(all(door.run(admin, 'Set-Thing', { Dangerous: true })), asked);
    await assert.rejects(all(door.run(admin, 'Set-Thing', { Confirm: true })), asked);
    await assert.rejects(all(door.run(admin, 'Set-Thing', {}, { confirm: true })), asked);
    assert.equal((await directory.organization()).name, 'Before');
  });

  test('with an answer it is done, in the name of the caller', async () => {
    assert.deepEqual(await all(door.run(admin, 'Set-Thing', { Dangerous: true }, { confirm: false })), [
      { Name: 'Changed' },
    ]);
    assert.equal((await directory.organization()).name, 'Changed');
    const [entry] = await directory.auditLog({ limit: 1 });
    assert.deepEqual(entry?.actor, { user: 'someone@example.test', via: 'api', command: 'Set-Thing' });
    assert.deepEqual([entry?.before?.['Name'], entry?.after?.['Name']], ['Before', 'Changed']);
  });

  test('a cmdlet that has fallen silent is ended', async () => {
    seen.aborted = false;
    const progress: unknown[] = [];
    await assert.rejects(
      all(door.run(admin, 'Get-Nothing', {}, { onProgress: (...facts) => progress.push(facts) })),
      /Get-Nothing gave no sign of life/,
    );
    assert.ok(seen.aborted);
    assert.deepEqual(progress, [[1, 2, 'working']]);
    assert.ok(CMDLET_SILENCE_MS >= 60_000);
  });

  test('time in which the client reads slowly is no silence', async () => {
    const slow = door.run(admin, 'Get-Thing', { Count: 2 })[Symbol.asyncIterator]();
    await slow.next();
    await new Promise((resolve) => setTimeout(resolve, 120));
    assert.deepEqual((await slow.next()).value, { At: 1 });
    assert.equal((await slow.next()).done, true);
  });

  test('a client that goes away ends it', async () => {
    seen.aborted = false;
    const gone = new AbortController();
    const stream = door.run(admin, 'Get-Nothing', {}, { signal: gone.signal })[Symbol.asyncIterator]();
    await stream.next();
    const next = stream.next();
    gone.abort(new Failure('UNAVAILABLE', 'gone'));
    await assert.rejects(next, /gone/);
    assert.ok(seen.aborted);
    await assert.rejects(all(door.run(admin, 'Set-Thing', {}, { signal: gone.signal })), /gone/);
  });

  test('completes values: fixed ones, those of the cmdlet, never secrets, never for strangers', async () => {
    assert.deepEqual(await door.complete(admin, 'get-thing', 'flag', '$t'), ['$true']);
    assert.deepEqual(await door.complete(admin, 'Get-Thing', 'Count', '29'), [
      '29',
      ...Array.from({ length: 10 }, (_, i) => `29${i}`),
    ]);
    assert.equal((await door.complete(admin, 'Get-Thing', 'Count', '')).length, COMPLETIONS);
    assert.deepEqual(await door.complete(admin, 'Get-Thing', 'Password', ''), []);
    assert.deepEqual(await door.complete(caller(), 'Get-Thing', 'Count', ''), []);
    assert.deepEqual(await door.complete(admin, 'Set-Thing', 'conf', ''), ['$true', '$false']);
  });

  test('two cmdlets of one name are a mistake of the table', () => {
    assert.throws(() => createDoor([getThing, getThing], services), /two cmdlets/);
  });

  test('in process it is the client interface as well', async () => {
    const client = doorInProcess(door, admin);
    const [help] = await client.cmdlets();
    assert.equal(help?.name, 'Get-Thing');
    assert.deepEqual(help?.parameters.find((one) => one.name === 'Password')?.secret, true);
  });
});
