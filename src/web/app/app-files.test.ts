/** The app's document and files over a handler's exchange: what is cached how, what is not there. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { brotliCompressSync } from 'node:zlib';
import { APP_POLICY } from '../content-security-policy.ts';
import type { WebHandler } from '../https-host.ts';
import { problemOf, sendProblem } from '../problem.ts';
import { appFiles } from './app-files.ts';

const SCRIPT = 'export const page = 1;\n';

describe('the files of the web app', () => {
  let folder: string;
  let server: Server;
  let origin: string;

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'penfold-app-'));
    await mkdir(path.join(folder, 'assets'));
    await writeFile(path.join(folder, 'index.html'), '<!doctype html><title>Penfold</title>');
    await writeFile(path.join(folder, 'icon.svg'), '<svg/>');
    await writeFile(path.join(folder, 'assets', 'main-AbCd.js'), SCRIPT);
    await writeFile(path.join(folder, 'assets', 'main-AbCd.js.br'), brotliCompressSync(SCRIPT));
    server = await serve(await appFiles(folder));
    origin = originOf(server);
  });
  after(async () => {
    server.close();
    await rm(folder, { recursive: true });
  });

  test('every page is the document, with the policy, asked for each time', async () => {
    for (const page of [
      '/',
      '/sign-in',
      '/mail',
      '/mail/inbox/x',
      '/calendar/item/abc',
      '/settings/',
      '/console/health',
    ]) {
      const answer = await fetch(origin + page);
      assert.equal(answer.status, 200, page);
      assert.equal(answer.headers.get('content-type'), 'text/html; charset=utf-8');
      assert.equal(answer.headers.get('content-security-policy'), APP_POLICY);
      assert.equal(answer.headers.get('cache-control'), 'no-cache');
      assert.match(await answer.text(), /Penfold/);
    }
  });

  test('files with a hash are kept for good, and sent as the build compressed them', async () => {
    const answer = await fetch(`${origin}/assets/main-AbCd.js`, { headers: { 'accept-encoding': 'br' } });
    assert.equal(answer.headers.get('content-encoding'), 'br');
    assert.equal(answer.headers.get('cache-control'), 'public, max-age=31536000, immutable');
    assert.equal(await answer.text(), SCRIPT);
    const plain = await fetch(`${origin}/assets/main-AbCd.js`, { headers: { 'accept-encoding': 'identity' } });
    assert.equal(plain.headers.get('content-encoding'), null);
  });

  test('an unchanged document is answered 304', async () => {
    const first = await fetch(`${origin}/mail`);
    const etag = first.headers.get('etag');
    assert.ok(etag !== null);
    const second = await fetch(`${origin}/mail`, { headers: { 'if-none-match': etag, 'cache-control': 'max-age=0' } });
    assert.equal(second.status, 304);
  });

  test('what is no page and no file is not there; nothing outside of the folder is', async () => {
    for (const nothing of ['/mails', '/assets/none.js', '/assets/..%2f..%2fetc%2fpasswd', '/.sources', '/index.html']) {
      const answer = await fetch(origin + nothing);
      assert.ok(answer.status === 404 || answer.status === 403, `${nothing}: ${answer.status}`);
    }
  });

  test('a page takes no POST', async () => {
    const answer = await fetch(`${origin}/mail`, { method: 'POST', body: 'x' });
    assert.equal(answer.status, 400);
  });

  test('a server without the built app says so', async () => {
    const other = await serve(await appFiles(path.join(folder, 'none')));
    const answer = await fetch(`${originOf(other)}/mail`);
    assert.equal(answer.status, 503);
    assert.match(await answer.text(), /npm run build/);
    other.close();
  });
});

async function serve(handler: WebHandler): Promise<Server> {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'https://host');
    handler
      .handle({
        request,
        response,
        url,
        remoteAddress: '127.0.0.1',
        signal: new AbortController().signal,
        leaving: new AbortController().signal,
      })
      .catch((error: unknown) => sendProblem(response, { ...problemOf(error) }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function originOf(server: Server): string {
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return `http://127.0.0.1:${address.port}`;
}
