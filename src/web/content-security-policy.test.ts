import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFile } from 'node:fs/promises';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { Log } from '../observe/log.ts';
import { silentLog } from '../observe/log.ts';
import { tally } from '../observe/metrics/tally.ts';
import { APP_POLICY, framePolicy, REACT_ARIA_STYLE_HASH } from './content-security-policy.ts';
import { CSP_REPORT_BYTES, CSP_REPORTS_OF_ONE, CSP_REPORTS_PER_MINUTE, cspReports } from './csp-reports.ts';
import type { WebHandler } from './https-host.ts';
import { messageFrames } from './message-frames.ts';
import { problemOf, sendProblem } from './problem.ts';

const directives = (policy: string): ReadonlyMap<string, string> =>
  new Map(
    policy.split('; ').map((directive) => {
      const space = directive.indexOf(' ');
      return space < 0 ? [directive, ''] : [directive.slice(0, space), directive.slice(space + 1)];
    }),
  );

describe('Content Security Policies', () => {
  test('no script runs in the app but its own files', () => {
    const app = directives(APP_POLICY);
    assert.equal(app.get('default-src'), "'none'");
    assert.equal(app.get('script-src'), "'self'");
    assert.ok(!APP_POLICY.includes('unsafe'), APP_POLICY);
    assert.equal(app.get('base-uri'), "'none'");
    assert.equal(app.get('frame-ancestors'), "'none'");
  });

  test('in a frame with mail no script runs at all; pictures of the web are let in by one of the two only', () => {
    for (const pictures of ['own', 'remote'] as const) {
      const frame = directives(framePolicy(pictures));
      assert.equal(frame.get('script-src'), "'none'");
      assert.equal(frame.get('default-src'), "'none'");
      assert.ok(!frame.get('sandbox')?.includes('allow-scripts'));
      assert.equal(frame.get('img-src')?.includes('https:'), pictures === 'remote');
      assert.ok(!frame.get('img-src')?.includes('http:'));
    }
  });

  test('the style sheet that is allowed by its hash is the one of the react-aria that is installed', async () => {
    const source = await readFile(
      new URL('../../node_modules/react-aria/dist/private/interactions/usePress.mjs', import.meta.url),
      'utf8',
    );
    const attribute = /PRESSABLE_ATTRIBUTE = '([^']+)'/.exec(source)?.[1] ?? '';
    const template = /style\.textContent = `([^`]*)`/.exec(source)?.[1] ?? '';
    const style = template.replace(/\$\{[^}]*\}/, attribute).trim();
    assert.equal(`'sha256-${createHash('sha256').update(style).digest('base64')}'`, REACT_ARIA_STYLE_HASH);
  });
});

/** A handler on a plain port of its own. */
async function serve(handler: WebHandler): Promise<{ readonly base: string; readonly stop: () => void }> {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://host');
    const exchange = {
      request,
      response,
      url,
      remoteAddress: '192.0.2.1',
      signal: new AbortController().signal,
      leaving: new AbortController().signal,
    };
    response.setHeader('x-frame-options', 'DENY');
    handler.handle(exchange).catch((error: unknown) => sendProblem(response, { ...problemOf(error) }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(isAddress(address));
  return {
    base: `http://127.0.0.1:${address.port}`,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
const isAddress = (address: AddressInfo | string | null): address is AddressInfo => typeof address === 'object';

describe('frames for messages', () => {
  test('each comes with its own policy, may be framed by us, and is empty', async (t) => {
    const { base, stop } = await serve(messageFrames);
    t.after(stop);
    for (const [path, pictures] of [
      ['/frame/text', 'own'],
      ['/frame/pictures', 'remote'],
    ] as const) {
      const answer = await fetch(base + path);
      assert.equal(answer.headers.get('content-security-policy'), framePolicy(pictures));
      assert.equal(answer.headers.get('x-frame-options'), 'SAMEORIGIN');
      assert.match(await answer.text(), /<body><\/body>/);
    }
    const head = await fetch(`${base}/frame/text`, { method: 'HEAD' });
    assert.deepEqual([head.status, await head.text()], [200, '']);
  });

  test('there is nothing else', async (t) => {
    const { base, stop } = await serve(messageFrames);
    t.after(stop);
    assert.equal((await fetch(`${base}/frame/`)).status, 404);
    assert.equal((await fetch(`${base}/frame/text/x`)).status, 404);
    assert.equal((await fetch(`${base}/frame/text`, { method: 'POST' })).status, 400);
  });
});

describe('reports of policy violations', () => {
  let lines: object[];
  let log: Log;
  let now: number;
  let base: string;
  let stop: () => void;

  beforeEach(async () => {
    lines = [];
    log = { ...silentLog, warn: (fields) => lines.push(fields), child: () => log };
    now = 0;
    ({ base, stop } = await serve(cspReports(log, () => now)));
  });
  afterEach(() => stop());

  const send = (report: unknown): Promise<Response> =>
    fetch(`${base}/csp-report/`, {
      method: 'POST',
      headers: { 'content-type': 'application/csp-report' },
      body: typeof report === 'string' ? report : JSON.stringify({ 'csp-report': report }),
    });
  const count = (directive: string): number =>
    tally.cspReports.series.find(({ labels }) => labels[0] === directive)?.value ?? 0;

  test('they are logged and counted, without what an address says of its reader', async () => {
    const before = count('img-src');
    const answer = await send({
      'effective-directive': 'img-src',
      'blocked-uri': 'https://track.example/open?who=ann@example.test',
      'document-uri': 'https://mail.example.test/frame/text?x=secret',
      'source-file': 'https://mail.example.test/assets/app.js',
      'line-number': 3,
    });
    assert.equal(answer.status, 204);
    assert.equal(count('img-src'), before + 1);
    assert.deepEqual(lines, [
      {
        protocol: 'web',
        client: '192.0.2.1',
        directive: 'img-src',
        blocked: 'https://track.example',
        page: '/frame/text',
        source: '/assets/app.js:3',
      },
    ]);
  });

  test('a made-up directive is no series of its own', async () => {
    const before = count('other');
    await send({ 'effective-directive': 'evil-src', 'blocked-uri': 'inline' });
    assert.equal(count('evil-src'), 0);
    assert.equal(count('other'), before + 1);
  });

  test('what is no report is refused and not logged', async () => {
    assert.equal((await send('{')).status, 400);
    assert.equal((await send('{"csp-report":[]}')).status, 400);
    assert.equal((await send({ 'blocked-uri': 'x'.repeat(CSP_REPORT_BYTES) })).status, 413);
    assert.equal((await fetch(`${base}/csp-report/`)).status, 400);
    assert.deepEqual(lines, []);
  });

  test('one address can send so many a minute, and then again', async () => {
    const report = { 'effective-directive': 'img-src' };
    for (let sent = 0; sent < CSP_REPORTS_OF_ONE; sent += 1) assert.equal((await send(report)).status, 204);
    assert.equal((await send(report)).status, 429);
    assert.equal(lines.length, CSP_REPORTS_OF_ONE);
    assert.ok(CSP_REPORTS_OF_ONE < CSP_REPORTS_PER_MINUTE);
    now = 60_000;
    assert.equal((await send(report)).status, 204);
  });
});
