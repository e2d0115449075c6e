/** Traces as an OpenTelemetry collector gets them: who hangs on whom, and that no person stands in them. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { request } from 'node:https';
import { after, before, describe, test } from 'node:test';
import { ImapFlow } from 'imapflow';
import { createTransport } from 'nodemailer';
import { Failure } from '../../src/observe/failure.ts';
import { silentLog } from '../../src/observe/log.ts';
import { LAST_EXPORT_MS, startOtlpTracing } from '../../src/observe/traces/otlp.ts';
import { traces } from '../../src/observe/traces/spans.ts';
import { startOrganization, type TestOrganization } from '../support/organization.ts';

interface ReceivedSpan {
  readonly name: string;
  readonly spanId: string;
  readonly traceId: string;
  readonly parentSpanId: string | null;
  readonly attributes: ReadonlyMap<string, unknown>;
  readonly failed: boolean;
  readonly service: unknown;
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

const list = (value: unknown, name: string): readonly unknown[] => {
  const found = property(value, name);
  return Array.isArray(found) ? found : [];
};

const text = (value: unknown, name: string): string => {
  const found = property(value, name);
  return typeof found === 'string' ? found : '';
};

const attributesOf = (value: unknown): ReadonlyMap<string, unknown> =>
  new Map(
    list(value, 'attributes').map((each) => [text(each, 'key'), Object.values(property(each, 'value') ?? {})[0]]),
  );

function spansOf(body: unknown): readonly ReceivedSpan[] {
  return list(body, 'resourceSpans').flatMap((resource) =>
    list(resource, 'scopeSpans').flatMap((scope) =>
      list(scope, 'spans').map((span) => ({
        name: text(span, 'name'),
        spanId: text(span, 'spanId'),
        traceId: text(span, 'traceId'),
        parentSpanId: text(span, 'parentSpanId') || null,
        attributes: attributesOf(span),
        failed: property(property(span, 'status'), 'code') === 2,
        service: attributesOf(property(resource, 'resource')).get('service.name'),
      })),
    ),
  );
}

describe('traces at a collector', () => {
  const spans: ReceivedSpan[] = [];
  const bodies: string[] = [];
  const collector = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      bodies.push(body);
      spans.push(...spansOf(JSON.parse(body)));
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  let organization: TestOrganization;

  before(async () => {
    collector.listen(0, '127.0.0.1');
    await once(collector, 'listening');
    const address = collector.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    organization = await startOrganization({
      engine: 'memory',
      configuration: { traces: { endpoint: `http://127.0.0.1:${port}/v1/traces`, sample: 1 } },
    });
    const [alice, bob] = [organization.user(0), organization.user(1)];
    const client = new ImapFlow({
      host: 'localhost',
      port: organization.imap.tls,
      secure: true,
      auth: { user: alice.address, pass: alice.password },
      tls: { ca: organization.ca },
      logger: false,
    });
    await client.connect();
    await client.logout();
    const transport = createTransport({
      host: 'localhost',
      port: organization.smtp.submission,
      requireTLS: true,
      auth: { user: alice.address, pass: alice.password },
      tls: { ca: organization.ca },
    });
    await transport.sendMail({ from: alice.address, to: bob.address, subject: 'traced', text: 'hello\n' });
    transport.close();
    await organization.running.backEnd.sessions.empty();
    const body = JSON.stringify({ Identity: 'nobody@nowhere.test' });
    const { address: user, password } = organization.administrator;
    const call = request({
      host: '127.0.0.1',
      servername: 'localhost',
      port: organization.web,
      path: '/admin/cmdlets/Get-Mailbox',
      method: 'POST',
      ca: organization.ca,
      auth: `${user}:${password}`,
      headers: { 'content-type': 'application/json' },
    }).end(body);
    const [answer] = await once(call, 'response');
    answer.resume();
    await once(answer, 'end');
    // What is finished is sent when the server stops: no need to wait for a batch.
    await organization.stop();
  });
  after(() => {
    collector.close();
    collector.closeAllConnections();
  });

  const named = (name: string, session?: unknown): ReceivedSpan => {
    const found = spans.find(
      (span) => span.name === name && (session === undefined || span.attributes.get('penfold.session') === session),
    );
    assert.ok(found !== undefined, `${name} among ${spans.map((span) => span.name).join(', ')}`);
    return found;
  };

  for (const [root, children] of [
    ['imap session', ['logon', 'back-end open']],
    ['smtp session', ['logon', 'delivery']],
  ] as const) {
    test(`${root}: ${children.join(', ')} hang on it and have its session id`, () => {
      const session = named(root);
      assert.equal(session.parentSpanId, null);
      assert.equal(session.service, 'penfold');
      const id = session.attributes.get('penfold.session');
      assert.match(String(id), /^[0-9a-f]{16}$/);
      assert.ok(organization.log.some(({ fields }) => fields.session === id));
      for (const name of children) {
        const span = named(name, id);
        assert.equal(span.parentSpanId, session.spanId, name);
        assert.equal(span.traceId, session.traceId, name);
        assert.equal(span.failed, false, name);
      }
    });
  }

  test('a cmdlet is a span of its own, failed when it fails', () => {
    const span = named('cmdlet Get-Mailbox');
    assert.equal(span.parentSpanId, null);
    assert.equal(span.attributes.get('penfold.via'), 'api');
    assert.equal(span.attributes.get('error.type'), 'NONEXISTENT');
    assert.ok(span.failed);
  });

  test('no user, no address of mail, no subject is sent', () => {
    assert.ok(bodies.length > 0);
    for (const body of bodies) assert.doesNotMatch(body, /alice|bob|example\.test|traced/);
  });

  test('behind the stop nothing is traced any more', () => {
    assert.equal(traces.current, null);
  });
});

test('without the optional part the start error says what to install', async () => {
  const options = { endpoint: 'http://127.0.0.1:1/', sample: 1, version: 'test', server: 'TEST', log: silentLog };
  await assert.rejects(
    startOtlpTracing({ ...options, load: () => Promise.reject(new Error('ERR_MODULE_NOT_FOUND')) }),
    (error) =>
      error instanceof Failure &&
      error.message.includes('npm install @opentelemetry/sdk-trace @opentelemetry/exporter-trace-otlp-http'),
  );
});

test('sample = 0 traces nothing; a bad URL is a start error', async () => {
  const started = await startOtlpTracing({
    endpoint: 'http://127.0.0.1:1/v1/traces',
    sample: 0,
    version: 'test',
    server: 'TEST',
    log: silentLog,
  });
  const { tracing } = started;
  tracing.sessionBegan('0123456789abcdef', 'imap', {});
  assert.equal(tracing.within('0123456789abcdef', 'logon'), null);
  assert.equal(tracing.alone('cmdlet Get-Mailbox', {}), null);
  tracing.sessionEnded('0123456789abcdef');
  await started.close();
  await assert.rejects(
    startOrganization({ engine: 'memory', users: [], configuration: { traces: { endpoint: 'collector', sample: 1 } } }),
    /`traces\.endpoint` must be a URL/,
  );
});

test('a collector that never answers does not hold up the stop', async () => {
  const deaf = createServer(() => {});
  deaf.listen(0, '127.0.0.1');
  await once(deaf, 'listening');
  const address = deaf.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  try {
    const endpoint = `http://127.0.0.1:${port}/v1/traces`;
    const started = await startOtlpTracing({ endpoint, sample: 1, version: 'test', server: 'TEST', log: silentLog });
    started.tracing.sessionBegan('0123456789abcdef', 'imap', {});
    const began = performance.now();
    await started.close();
    assert.ok(performance.now() - began < LAST_EXPORT_MS + 2_000);
  } finally {
    deaf.close();
    deaf.closeAllConnections();
  }
});
