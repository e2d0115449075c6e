/** What a hostile or broken client can do to JMAP over HTTP: bodies that stall or are too large, streams without end. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { silentLog } from '../../src/observe/log.ts';
import { STREAMS_OF_ONE, UPLOAD_KEPT_MS } from '../../src/web/jmap/http/limits.ts';
import { Uploads } from '../../src/web/jmap/http/uploads.ts';
import { JMAP_LIMITS } from '../../src/web/jmap/request.ts';
import { at, JmapClient } from '../jmap/client.ts';
import { startOrganization, type TestOrganization } from '../support/organization.ts';

describe('JMAP under attack', () => {
  let organization: TestOrganization;
  let alice: JmapClient;
  let account: string;

  before(async () => {
    organization = await startOrganization({ engine: 'memory', users: ['alice'] });
    alice = new JmapClient({ port: organization.web, ca: organization.ca }, organization.user(0));
    account = organization.user(0).account.id;
  });
  after(async () => {
    alice.close();
    await organization.stop();
  });

  test('a request beyond maxSizeRequest is refused by its name, announced or not', async () => {
    const json = { 'content-type': 'application/json' };
    const outgoing = request({
      ...alice.options,
      agent: false,
      path: '/jmap/api',
      method: 'POST',
      headers: {
        ...json,
        authorization: alice.authorization ?? '',
        'content-length': String(JMAP_LIMITS.maxSizeRequest + 1),
      },
    });
    outgoing.on('error', () => {});
    outgoing.flushHeaders();
    const [announced] = await once(outgoing, 'response');
    let text = '';
    for await (const chunk of announced) text += String(chunk);
    assert.deepEqual([announced.statusCode, at(JSON.parse(text), 'limit')], [400, 'maxSizeRequest']);
    const streamed = await alice.ask('/jmap/api', {
      method: 'POST',
      headers: { ...json, 'transfer-encoding': 'chunked' },
      body: ' '.repeat(JMAP_LIMITS.maxSizeRequest + 1),
      agent: false,
    });
    assert.equal(at(streamed.json, 'limit'), 'maxSizeRequest');
  });

  test('more calls than maxCallsInRequest, and values without end, are refused', async () => {
    const calls = Array.from({ length: JMAP_LIMITS.maxCallsInRequest + 1 }, () => ['Email/get', {}, 'x']);
    const many = await alice.post({ using: [], methodCalls: calls });
    assert.equal(at(many.json, 'limit'), 'maxCallsInRequest');
    const deep = await alice.post(`{"using":[],"methodCalls":${'['.repeat(5000)}${']'.repeat(5000)}}`);
    assert.equal(at(deep.json, 'type'), 'urn:ietf:params:jmap:error:notRequest');
  });

  test('requests that stall take the places of their sender, and of nobody else', async () => {
    const stalled = Array.from({ length: JMAP_LIMITS.maxConcurrentRequests }, () => {
      const outgoing = request({
        ...alice.options,
        agent: false,
        path: '/jmap/api',
        method: 'POST',
        headers: {
          authorization: alice.authorization ?? '',
          'content-type': 'application/json',
          'content-length': '9',
        },
      });
      outgoing.on('error', () => {});
      outgoing.write('{');
      return outgoing;
    });
    // They have their places when the next one has none.
    for (;;) {
      const { json } = await alice.post({ using: [], methodCalls: [] });
      if (at(json, 'limit') === 'maxConcurrentRequests') break;
    }
    assert.equal((await alice.ask('/jmap/session')).status, 200);
    for (const outgoing of stalled) outgoing.destroy();
    for (;;) if ((await alice.post({ using: [], methodCalls: [] })).status === 200) break;
  });

  test('an upload beyond maxSizeUpload is refused before it comes; one that breaks off leaves nothing', async () => {
    const outgoing = request({
      ...alice.options,
      agent: false,
      path: `/jmap/upload/${account}/`,
      method: 'POST',
      headers: { authorization: alice.authorization ?? '', 'content-length': String(JMAP_LIMITS.maxSizeUpload + 1) },
    });
    outgoing.on('error', () => {});
    outgoing.flushHeaders();
    const [response] = await once(outgoing, 'response');
    assert.equal(response.statusCode, 413);
    outgoing.destroy();
    const broken = request({
      ...alice.options,
      agent: false,
      path: `/jmap/upload/${account}/`,
      method: 'POST',
      headers: { authorization: alice.authorization ?? '', 'content-length': '1000000' },
    });
    broken.on('error', () => {});
    broken.write(randomBytes(100_000));
    const folder = path.join(organization.layout.uploads, account, account);
    const files = (): Promise<readonly string[]> => readdir(folder).catch(() => []);
    while ((await files()).length === 0);
    broken.destroy();
    while ((await files()).length > 0);
  });

  test('streams beyond STREAMS_OF_ONE are refused, and a place comes free with each that ends', async () => {
    const streams = await Promise.all(
      Array.from({ length: STREAMS_OF_ONE }, () => alice.events('types=*&closeafter=no&ping=0')),
    );
    const { status, headers } = await alice.ask('/jmap/eventsource');
    assert.equal(status, 429);
    assert.match(headers['retry-after'] ?? '', /^[0-9]+$/);
    for (const stream of streams) stream.close();
    for (;;) {
      const response = await alice.begin('/jmap/eventsource', { agent: false });
      response.destroy();
      if (response.statusCode === 200) break;
    }
  });

  test('uploads are bounded in number, go with their time, and outlive a restart', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'penfold-uploads-'));
    let now = Date.now();
    const open = (): Promise<Uploads> => Uploads.open({ folder, log: silentLog, now: () => now, most: 20 });
    let uploads = await open();
    try {
      const take = (): ReturnType<Uploads['take']> => uploads.take('a', 'u', 'text/plain', once1(Buffer.from('x')));
      const first = await take();
      for (let i = 1; i < 20; i += 1) await take();
      await assert.rejects(take(), { code: 'OVERQUOTA' });
      uploads.close();
      uploads = await open();
      const found = await uploads.of('a', 'u').find(first.blobId);
      assert.deepEqual([found?.size, found?.type], [1, 'text/plain']);
      assert.equal(await uploads.of('a', 'other').find(first.blobId), null);
      await assert.rejects(uploads.take('..', 'u', 'x/y', once1(Buffer.from('x'))), { code: 'NONEXISTENT' });
      now += UPLOAD_KEPT_MS + 1000;
      await uploads.sweep();
      assert.equal(await uploads.of('a', 'u').find(first.blobId), null);
      assert.equal((await take()).size, 1);
    } finally {
      uploads.close();
      await rm(folder, { recursive: true });
    }
  });
});

async function* once1(bytes: Buffer): AsyncIterable<Buffer> {
  yield bytes;
}
