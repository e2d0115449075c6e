/** The admin API of a whole server: logons, role groups, answers, limits, what browsers must not do. */
import assert from 'node:assert/strict';
import type { IncomingHttpHeaders } from 'node:http';
import { request } from 'node:https';
import { after, before, describe, test } from 'node:test';
import * as v from 'valibot';
import { ADMIN_CALLS_AT_ONCE, ADMIN_CALLS_OF_ONE, ADMIN_REQUEST_BYTES } from '../../src/wire/limits.ts';
import { cheapCredentials, startOrganization, TEST_DOMAIN, type TestOrganization } from '../support/organization.ts';

interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}
interface Ask {
  readonly method?: string;
  readonly user?: { readonly address: string; readonly password: string } | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

const problemSchema = v.object({
  type: v.literal('about:blank'),
  title: v.string(),
  status: v.number(),
  detail: v.string(),
  code: v.string(),
  what: v.optional(v.string()),
});
const outputSchema = v.object({
  objects: v.array(v.record(v.string(), v.unknown())),
  warnings: v.array(v.string()),
});

describe('the admin API', () => {
  let organization: TestOrganization;
  before(async () => {
    organization = await startOrganization({ engine: 'memory', users: ['alice', 'bob', 'carol'], lockAfter: 5 });
    const { directory } = organization;
    await directory.setRoleGroups(organization.user(1).account.id, ['View-Only Organization Management']);
  });
  after(() => organization.stop());

  const ask = (path: string, { method = 'GET', user, headers = {}, body }: Ask = {}): Promise<Reply> => {
    const who = user === undefined ? organization.administrator : user;
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    const outgoing = request(
      {
        host: '127.0.0.1',
        port: organization.web,
        servername: 'localhost',
        ca: organization.ca,
        agent: false,
        path,
        method,
        headers: {
          ...(who === null
            ? {}
            : { authorization: `Basic ${Buffer.from(`${who.address}:${who.password}`).toString('base64')}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString('utf8'),
          }),
        );
        response.on('error', reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
    return promise;
  };
  const run = (name: string, body: unknown, more: Ask = {}): Promise<Reply> =>
    ask(`/admin/cmdlets/${name}`, { method: 'POST', body, ...more });
  const problem = (reply: Reply): v.InferOutput<typeof problemSchema> => {
    assert.equal(reply.headers['content-type'], 'application/problem+json', reply.text);
    const one = v.parse(problemSchema, JSON.parse(reply.text));
    assert.equal(one.status, reply.status);
    return one;
  };
  const output = (reply: Reply): v.InferOutput<typeof outputSchema> => {
    assert.equal(reply.status, 200, reply.text);
    return v.parse(outputSchema, JSON.parse(reply.text));
  };

  test('without a logon: 401 with a challenge, whatever the path', async () => {
    for (const path of ['/admin/openapi.json', '/admin/cmdlets', '/admin/cmdlets/Get-PopSettings', '/admin/nothing']) {
      const reply = await ask(path, { user: null });
      assert.equal(problem(reply).code, 'AUTHENTICATIONFAILED');
      assert.equal(reply.status, 401);
      assert.match(reply.headers['www-authenticate'] ?? '', /^Basic realm=".*", charset="UTF-8"$/);
      assert.equal(reply.headers['set-cookie'], undefined);
    }
  });

  test('the Administrator may, a person in no role group may not', async () => {
    const { objects } = output(await run('Get-PopSettings', {}));
    assert.equal(objects[0]?.['MaxConnectionsPerUser'], 16);
    const refused = problem(await run('Get-PopSettings', {}, { user: organization.user(0) }));
    assert.deepEqual([refused.status, refused.code], [403, 'NOPERM']);
  });

  test('View-Only reads and changes nothing', async () => {
    const user = organization.user(1);
    output(await run('get-popsettings', {}, { user }));
    const refused = problem(await run('Set-PopSettings', { MaxConnections: 5 }, { user }));
    assert.equal(refused.status, 403);
    assert.match(refused.detail, /Organization Management/);
    const list = v.parse(
      v.array(v.object({ name: v.string(), changes: v.boolean() })),
      JSON.parse((await ask('/admin/cmdlets', { user })).text),
    );
    assert.ok(list.some((one) => one.name === 'Get-PopSettings'));
    assert.deepEqual(
      list.filter((one) => one.changes),
      [],
    );
  });

  test('a change counts and is in the audit log under the caller’s name', async () => {
    const reply = await run('Set-PopSettings', {
      maxconn: 77,
      ExternalConnectionSetting: ['mail.example.test:995:SSL'],
    });
    // Prefix of three parameters: refused with the candidates, nothing is changed.
    assert.match(problem(reply).detail, /may mean -MaxConnections/);
    const changed = output(await run('Set-PopSettings', { MaxConnections: 77 }));
    assert.deepEqual(changed.objects, []);
    assert.equal((await organization.directory.popSettings(organization.server.id)).maxConnections, 77);
    const [entry] = await organization.directory.auditLog({ limit: 1 });
    assert.deepEqual(entry?.actor, {
      user: organization.administrator.address,
      via: 'api',
      command: 'Set-PopSettings',
    });
  });

  test('warnings stand beside the objects', async () => {
    const { warnings } = output(
      await run('Set-PopSettings', { ExternalConnectionSettings: ['mail.example.test:9:SSL'], Confirm: false }),
    );
    assert.match(warnings.join('\n'), /9/);
  });

  test('a dangerous change asks: 409 CONFIRMATION-NEEDED, then with Confirm false it is done', async () => {
    output(await run('New-AcceptedDomain', { Name: 'fabrikam.test' }));
    const asked = problem(await run('Remove-AcceptedDomain', { Identity: 'fabrikam.test' }));
    assert.deepEqual([asked.status, asked.code], [409, 'CONFIRMATION-NEEDED']);
    assert.match(asked.what ?? '', /fabrikam\.test/);
    output(await run('Remove-AcceptedDomain', { Identity: 'fabrikam.test', Confirm: false }));
    assert.equal((await organization.directory.domains()).length, 1);
  });

  test('-WhatIf tells', async () => {
    const { objects } = output(await run('Set-PopSettings', { MaxConnections: 5, WhatIf: true }));
    assert.match(String(objects[0]?.['WhatIf']), /MaxConnections/);
  });

  const refusals: ReadonlyArray<readonly [string, () => Promise<Reply>, number, RegExp]> = [
    ['a value out of range', () => run('Set-PopSettings', { MaxCommandSize: 9 }), 422, /must be 40–1024/],
    ['an unknown cmdlet', () => run('Get-PopSetings', {}), 404, /did you mean Get-PopSettings\?/],
    ['an unknown parameter', () => run('Get-PopSettings', { Sever: 'x' }), 422, /did you mean -Server\?/],
    ['no JSON', () => run('Get-PopSettings', '{'), 400, /no JSON/],
    ['JSON that is no object', () => run('Get-PopSettings', [1]), 422, /JSON object/],
    ['a path that is not well formed', () => run('%ff', {}), 400, /well formed/],
    ['a form', () => run('Get-PopSettings', 'a=b', { headers: { 'content-type': 'text/plain' } }), 400, /content-type/],
    ['the wrong method', () => ask('/admin/cmdlets/Get-PopSettings'), 405, /only POST/],
    [
      'a page of another origin',
      () => run('Get-PopSettings', {}, { headers: { origin: 'https://evil.test' } }),
      403,
      /origin/,
    ],
    [
      'Fetch Metadata of another site',
      () => run('Get-PopSettings', {}, { headers: { 'sec-fetch-site': 'cross-site' } }),
      403,
      /origin/,
    ],
    ['nothing there', () => ask('/admin/none'), 404, /nothing at/],
  ];
  for (const [name, make, status, text] of refusals) {
    test(`refused: ${name}`, async () => {
      const reply = problem(await make());
      assert.equal(reply.status, status);
      assert.match(reply.detail, text);
    });
  }

  test('a request beyond ADMIN_REQUEST_BYTES is refused', async () => {
    const reply = await run('Get-PopSettings', { Server: 'x'.repeat(ADMIN_REQUEST_BYTES) });
    assert.equal(problem(reply).status, 413);
  });

  test('answers as lines when asked to: objects, then the end', async () => {
    const reply = await run('Get-ImapSettings', {}, { headers: { accept: 'application/x-ndjson' } });
    assert.equal(reply.headers['content-type'], 'application/x-ndjson');
    const lines = reply.text
      .trimEnd()
      .split('\n')
      .map((line) => Object.keys(v.parse(v.record(v.string(), v.unknown()), JSON.parse(line)))[0]);
    assert.deepEqual(lines, ['object', 'end']);
    const refused = await run(
      'Set-PopSettings',
      { MaxCommandSize: 9 },
      { headers: { accept: 'application/x-ndjson' } },
    );
    assert.equal(refused.status, 422, 'a refusal before the first line has its own status');
  });

  test('completes values', async () => {
    const reply = await ask('/admin/completions', {
      method: 'POST',
      body: { cmdlet: 'Set-PopSettings', parameter: 'LoginType', typed: 'Sec' },
    });
    assert.deepEqual(JSON.parse(reply.text), ['SecureLogin']);
  });

  test('the OpenAPI document is there', async () => {
    const reply = await ask('/admin/openapi.json');
    const document = v.parse(
      v.object({ openapi: v.string(), paths: v.record(v.string(), v.unknown()) }),
      JSON.parse(reply.text),
    );
    assert.equal(document.openapi, '3.1.0');
    assert.ok('/admin/cmdlets/Set-PopSettings' in document.paths);
    assert.equal(reply.headers['cache-control'], 'no-store');
  });

  /** Half-sent bodies hold their places. */
  function held(count: number, user: { address: string; password: string }): ReturnType<typeof request>[] {
    return Array.from({ length: count }, () => {
      const outgoing = request({
        host: '127.0.0.1',
        port: organization.web,
        servername: 'localhost',
        ca: organization.ca,
        agent: false,
        path: '/admin/cmdlets/Get-PopSettings',
        method: 'POST',
        headers: {
          authorization: `Basic ${Buffer.from(`${user.address}:${user.password}`).toString('base64')}`,
          'content-type': 'application/json',
          'content-length': '100',
        },
      });
      outgoing.on('error', () => {});
      outgoing.flushHeaders();
      return outgoing;
    });
  }

  /** Asks until the answer is no longer 200. */
  async function refusal(): Promise<Awaited<ReturnType<typeof ask>>> {
    for (;;) {
      const reply = await ask('/admin/cmdlets');
      if (reply.status !== 200) return reply;
    }
  }

  test('calls beyond ADMIN_CALLS_OF_ONE of one account wait, those of others do not', async () => {
    const calls = held(ADMIN_CALLS_OF_ONE, organization.administrator);
    const reply = await refusal();
    assert.equal(problem(reply).status, 429);
    assert.equal(reply.headers['retry-after'], '5');
    const [other] = await admins(1);
    assert.ok(other !== undefined);
    assert.equal((await ask('/admin/cmdlets', { user: other })).status, 200);
    for (const one of calls) one.destroy();
    while ((await ask('/admin/cmdlets')).status !== 200);
  });

  test('calls beyond ADMIN_CALLS_AT_ONCE are told to come again', async () => {
    const calls = (await admins(ADMIN_CALLS_AT_ONCE / ADMIN_CALLS_OF_ONE)).flatMap((user) =>
      held(ADMIN_CALLS_OF_ONE, user),
    );
    const reply = await refusal();
    assert.equal(problem(reply).status, 503);
    assert.equal(reply.headers['retry-after'], '5');
    for (const one of calls) one.destroy();
    while ((await ask('/admin/cmdlets')).status !== 200);
  });

  async function admins(count: number): Promise<ReadonlyArray<{ address: string; password: string }>> {
    const { directory } = organization;
    const password = 'of several admins';
    const credentials = await cheapCredentials(password);
    const found: Array<{ address: string; password: string }> = [];
    for (let i = 0; i < count; i += 1) {
      const alias = `admin${i}`;
      const address = `${alias}@${TEST_DOMAIN}`;
      const account =
        (await directory.accountByAlias(alias)) ??
        (await directory.addAccount({
          kind: 'user',
          displayName: alias,
          alias,
          userPrincipalName: address,
          mailbox: null,
          credentials,
        }));
      await directory.setRoleGroups(account.id, ['View-Only Organization Management']);
      found.push({ address, password });
    }
    return found;
  }

  test('guesses are throttled like every other logon', async () => {
    const guess = { address: organization.user(2).address, password: 'wrong' };
    for (let at = 0; at < 5; at += 1) assert.equal((await ask('/admin/cmdlets', { user: guess })).status, 401);
    const locked = await ask('/admin/cmdlets', { user: organization.user(2) });
    assert.equal(problem(locked).status, 429);
  });
});
