/**
 * Signing in on a running server, whole way: the web app's cookie through the HTTPS host, an app password made by JMAP,
 * used by IMAP and SMTP, and what ends when it is taken away.
 */
import assert from 'node:assert/strict';
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import { request } from 'node:https';
import { after, before, describe, test } from 'node:test';
import { ImapFlow } from 'imapflow';
import { createTransport } from 'nodemailer';
import type { AccountId } from '../../src/directory/model.ts';
import { startOrganization, type TestOrganization } from '../support/organization.ts';

interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

describe('signing in', () => {
  let organization: TestOrganization;
  let ann: AccountId;
  let cookie = '';
  before(async () => {
    organization = await startOrganization({ engine: 'memory' });
    const account = await organization.directory.accountByAddress(organization.user(0).address);
    ann = account?.id ?? assert.fail('there is the first user');
  });
  after(() => organization.stop());

  function ask(method: string, path: string, headers: OutgoingHttpHeaders, body = ''): Promise<Reply> {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    const outgoing = request(
      {
        host: '127.0.0.1',
        port: organization.web,
        servername: 'localhost',
        ca: organization.ca,
        method,
        path,
        headers,
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
    return promise;
  }
  const own = (): OutgoingHttpHeaders => ({
    'sec-fetch-site': 'same-origin',
    'x-penfold': '1',
    'content-type': 'application/json',
    cookie,
  });
  async function call(name: string, args: object): Promise<object> {
    const using = ['urn:ietf:params:jmap:core', 'urn:penfold:params:jmap:account'];
    const methodCalls = [[name, { accountId: ann, ...args }, 'c']];
    const { status, text } = await ask('POST', '/jmap/api', own(), JSON.stringify({ using, methodCalls }));
    assert.equal(status, 200, text);
    const answer: unknown = JSON.parse(text);
    return at(answer, 'methodResponses', 0, 1);
  }
  function at(value: unknown, ...path: ReadonlyArray<string | number>): object {
    const found = path.reduce<unknown>((now, key) => Reflect.get(Object(now), key), value);
    assert.ok(typeof found === 'object' && found !== null, JSON.stringify(value));
    return found;
  }
  const textAt = (value: object, name: string): string => String(Reflect.get(value, name));
  const imap = (pass: string): ImapFlow =>
    new ImapFlow({
      host: 'localhost',
      port: organization.imap.tls,
      secure: true,
      tls: { ca: organization.ca },
      auth: { user: organization.user(0).address, pass },
      logger: false,
    });
  const submit = async (pass: string): Promise<void> => {
    const { address } = organization.user(0);
    const transport = createTransport({
      host: 'localhost',
      port: organization.smtp.submissions,
      secure: true,
      tls: { ca: organization.ca },
      auth: { user: address, pass },
    });
    try {
      await transport.sendMail({ from: address, to: organization.user(1).address, subject: 'x', text: 'x' });
    } finally {
      transport.close();
    }
  };

  test('the page signs in, and JMAP knows the cookie', async () => {
    const { address, password } = organization.user(0);
    assert.equal((await ask('GET', '/jmap/session', { 'x-penfold': '1' })).status, 401);
    const refused = await ask('POST', '/session', own(), JSON.stringify({ user: address, password: 'wrong' }));
    assert.equal(refused.status, 401);
    assert.match(refused.text, /user name or password is wrong/);
    const reply = await ask('POST', '/session', own(), JSON.stringify({ user: address, password }));
    assert.equal(reply.status, 204, reply.text);
    cookie = reply.headers['set-cookie']?.[0]?.split(';', 1)[0] ?? '';
    const session = await ask('GET', '/jmap/session', own());
    assert.equal(session.status, 200, session.text);
    assert.ok(session.text.includes(ann) && session.text.includes('urn:penfold:params:jmap:account'));
  });

  test('an app password made there opens IMAP and SMTP, not the page; removed, its session ends', async () => {
    const create = { a: { name: 'Laptop', protocols: ['IMAP', 'SMTP'] } };
    const made = at(await call('AppPassword/set', { create }), 'created', 'a');
    const [id, password] = [textAt(made, 'id'), textAt(made, 'password')];
    const client = imap(password);
    await client.connect();
    const closed = new Promise<void>((resolve) => client.once('close', resolve));
    await submit(password);
    const page = JSON.stringify({ user: organization.user(0).address, password });
    assert.equal((await ask('POST', '/session', { ...own(), cookie: '' }, page)).status, 403);

    const begun = performance.now();
    await call('AppPassword/set', { destroy: [id] });
    await closed;
    console.log(`# an IMAP session ended ${Math.round(performance.now() - begun)} ms behind its app password`);
    await assert.rejects(imap(password).connect());
    await assert.rejects(submit(password), /535/);
    await submit(organization.user(0).password);
    assert.ok(
      organization.log.some(({ fields }) => fields['appPassword'] === 'Laptop' && fields['protocol'] === 'smtp'),
    );
    assert.ok(!JSON.stringify(organization.log).includes(password.slice(5)));
  });

  test('a new password signs out everybody else', async () => {
    const { address, password } = organization.user(0);
    const other = await ask('POST', '/session', { ...own(), cookie: '' }, JSON.stringify({ user: address, password }));
    const theirs = other.headers['set-cookie']?.[0]?.split(';', 1)[0] ?? '';
    assert.equal((await ask('GET', '/jmap/session', { ...own(), cookie: theirs })).status, 200);
    await call('Password/change', { currentPassword: password, newPassword: 'a new and longer one' });
    assert.equal((await ask('GET', '/jmap/session', { ...own(), cookie: theirs })).status, 401);
    assert.equal((await ask('GET', '/jmap/session', own())).status, 200);
    assert.equal((await ask('DELETE', '/session', own())).status, 204);
    assert.equal((await ask('GET', '/jmap/session', own())).status, 401);
  });
});
