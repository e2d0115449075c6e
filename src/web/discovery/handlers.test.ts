import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { Parser } from 'htmlparser2';
import type { Directory } from '../../directory/api.ts';
import { defaultConnectors } from '../../directory/connectors.ts';
import { openSqliteDirectory } from '../../directory/engine/sqlite/directory.ts';
import type { ConnectionSetting, Server } from '../../directory/model.ts';
import { silentLog } from '../../observe/log.ts';
import { createAuthority } from '../../tls/authority.ts';
import { type CertificateStore, loadCertificates } from '../../tls/certificates.ts';
import { HttpsHost } from '../https-host.ts';
import { discoveryHandlers, POX_BYTES } from './handlers.ts';

const AUTOCONFIG = '/.well-known/autoconfig/mail/config-v1.1.xml';
const OUTLOOK = 'http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a';

interface Reply {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Path and text of every leaf, in order: `clientConfig/emailProvider/domain=example.test`. */
function leaves(xml: string): string[] {
  const found: string[] = [];
  const open: string[] = [];
  let text = '';
  const parser = new Parser(
    {
      onopentag: (name) => {
        open.push(name);
        text = '';
      },
      ontext: (piece) => (text += piece),
      onclosetag: () => {
        if (text.trim() !== '') found.push(`${open.join('/')}=${text.trim()}`);
        text = '';
        open.pop();
      },
    },
    { xmlMode: true },
  );
  parser.end(xml);
  return found;
}

const endings = (xml: string, name: string): string[] =>
  leaves(xml).flatMap((leaf) => (leaf.includes(`/${name}=`) ? [leaf.slice(leaf.indexOf('=') + 1)] : []));

describe('settings for programs that set themselves up', () => {
  let folder: string;
  let directory: Directory;
  let server: Server;
  let certificates: CertificateStore;
  let host: HttpsHost;

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'penfold-discovery-'));
    const authority = await createAuthority({ directory: folder, organization: 'Test', domains: ['example.test'] });
    const issued = await authority.issue({ names: ['mail.example.test', 'autodiscover.example.test'], days: 30 });
    const source = { certificateFile: path.join(folder, 'web.pem'), keyFile: path.join(folder, 'web.key') };
    await writeFile(source.certificateFile, issued.chainPem);
    await writeFile(source.keyFile, issued.keyPem);
    certificates = await loadCertificates({ sources: [source], log: silentLog, watch: false });
  });
  after(async () => {
    certificates.close();
    await rm(folder, { recursive: true });
  });

  beforeEach(async () => {
    directory = await openSqliteDirectory({ file: ':memory:' });
    await directory.setOrganization({ name: 'Müller & <Söhne>' });
    await directory.addDomain({ name: 'example.test', type: 'Authoritative', isDefault: true });
    const site = await directory.addSite('Site');
    const facts = { name: 'S', fqdn: 'mail.example.test', frontEnd: true, backEnd: true };
    server = await directory.addServer({ ...facts, site: site.id });
    for (const connector of defaultConnectors(server)) await directory.addConnector(connector);
    host = new HttpsHost({
      directory,
      server: server.id,
      bindings: [{ address: '127.0.0.1', port: 0 }],
      certificates,
      handlers: discoveryHandlers({ directory, certificates, fqdn: server.fqdn }),
      log: silentLog,
    });
    await host.start();
  });
  afterEach(async () => {
    await host.drain(0);
    await directory.close();
  });

  const setting = (host_: string, port: number, encryption: ConnectionSetting['encryption']): ConnectionSetting => ({
    host: host_,
    port,
    encryption,
  });
  async function publish(): Promise<void> {
    await directory.setImapSettings(server.id, {
      externalConnectionSettings: [
        setting('mail.example.test', 143, 'TLS'),
        setting('mail.example.test', 993, 'SSL'),
        setting('old.example.test', 143, 'none'),
      ],
    });
    await directory.setPopSettings(server.id, {
      externalConnectionSettings: [setting('mail.example.test', 995, 'SSL')],
    });
    const submission = (await directory.connectors(server.id)).find(({ name }) => name.startsWith('Client Frontend'));
    assert.ok(submission);
    await directory.changeConnector(submission.id, { advertiseClientSettings: true });
  }
  async function turnOn(
    ...services: ReadonlyArray<'imap4' | 'imap4-backend' | 'pop3' | 'pop3-backend'>
  ): Promise<void> {
    for (const service of services) await directory.setService(server.id, service, { running: true });
  }

  async function ask(
    target: string,
    options: { method?: string; body?: string; hostName?: string } = {},
  ): Promise<Reply> {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    const outgoing = request(
      {
        host: '127.0.0.1',
        port: host.listening[0]?.port,
        path: target,
        method: options.method ?? 'GET',
        // What is in question here is the answer, not the certificate.
        rejectUnauthorized: false,
        agent: false,
        headers: { host: options.hostName ?? 'mail.example.test' },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) }),
        );
      },
    );
    outgoing.on('error', reject);
    outgoing.end(options.body);
    return promise;
  }
  const pox = (address: string, schema = OUTLOOK): string =>
    `<?xml version="1.0"?><Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request><EMailAddress>${address}</EMailAddress><AcceptableResponseSchema>${schema}</AcceptableResponseSchema></Request></Autodiscover>`;

  test('nothing is published at first: nobody is told anything', async () => {
    await turnOn('imap4', 'imap4-backend');
    assert.equal((await ask(`${AUTOCONFIG}?emailaddress=ann@example.test`)).status, 404);
    assert.equal((await ask('/discovery/apple.mobileconfig?address=ann@example.test')).status, 404);
    const { body } = await ask('/autodiscover/autodiscover.xml', { method: 'POST', body: pox('ann@example.test') });
    assert.deepEqual(endings(body.toString(), 'ErrorCode'), ['500']);
  });

  test('Thunderbird hears of protected settings, best first, with both halves of the organization name intact', async () => {
    await publish();
    await turnOn('imap4', 'imap4-backend', 'pop3', 'pop3-backend');
    const { status, headers, body } = await ask(`${AUTOCONFIG}?emailaddress=ann@example.test`);
    assert.equal(status, 200);
    assert.equal(headers['content-type'], 'text/xml; charset=utf-8');
    const xml = body.toString();
    assert.deepEqual(endings(xml, 'displayName'), ['Müller & <Söhne>']);
    assert.deepEqual(endings(xml, 'port'), ['993', '143', '995', '465', '587']);
    assert.deepEqual(endings(xml, 'socketType'), ['SSL', 'STARTTLS', 'SSL', 'SSL', 'STARTTLS']);
    assert.equal(xml.includes('old.example.test'), false, 'clear text is not offered');
    assert.deepEqual(endings(xml, 'leaveMessagesOnServer'), ['true']);
  });

  for (const [name, services, ports] of [
    ['IMAP4 without its back end', ['imap4', 'pop3', 'pop3-backend'], ['995', '465', '587']],
    ['no POP3', ['imap4', 'imap4-backend'], ['993', '143', '465', '587']],
  ] as const) {
    test(`what is off is not offered: ${name}`, async () => {
      await publish();
      await turnOn(...services);
      const { body } = await ask(`${AUTOCONFIG}?emailaddress=ann@example.test`);
      assert.deepEqual(endings(body.toString(), 'port'), ports);
    });
  }

  test('on autoconfig.<domain> the domain of the host counts; another domain hears nothing', async () => {
    await publish();
    await turnOn('imap4', 'imap4-backend');
    assert.equal((await ask('/mail/config-v1.1.xml', { hostName: 'autoconfig.example.test' })).status, 200);
    assert.equal((await ask('/mail/config-v1.1.xml', { hostName: 'autoconfig.example.org' })).status, 404);
    assert.equal((await ask(`${AUTOCONFIG}?emailaddress=ann@example.org`)).status, 404);
  });

  test('every address of a domain gets the same answer', async () => {
    await publish();
    await turnOn('imap4', 'imap4-backend');
    const one = await ask(`${AUTOCONFIG}?emailaddress=ann@example.test`);
    const other = await ask(`${AUTOCONFIG}?emailaddress=nobody.at.all@example.test`);
    assert.deepEqual(one.body, other.body);
  });

  test('Outlook gets IMAP, POP3 and SMTP by Autodiscover, whatever case the path has', async () => {
    await publish();
    await turnOn('imap4', 'imap4-backend', 'pop3', 'pop3-backend');
    for (const target of ['/autodiscover/autodiscover.xml', '/Autodiscover/Autodiscover.xml']) {
      const { status, body } = await ask(target, { method: 'POST', body: pox('Ann&amp;Co@example.test') });
      assert.equal(status, 200);
      const xml = body.toString();
      assert.deepEqual(endings(xml, 'Type'), ['IMAP', 'IMAP', 'POP3', 'SMTP', 'SMTP']);
      assert.deepEqual(endings(xml, 'Encryption'), ['SSL', 'TLS', 'SSL', 'SSL', 'TLS']);
      assert.deepEqual(new Set(endings(xml, 'LoginName')), new Set(['Ann&Co@example.test']));
    }
  });

  test('Autodiscover refuses in its own words', async () => {
    await publish();
    await turnOn('imap4', 'imap4-backend');
    const post = async (body: string): Promise<string[]> =>
      endings((await ask('/autodiscover/autodiscover.xml', { method: 'POST', body })).body.toString(), 'ErrorCode');
    assert.deepEqual(await post('no xml'), ['600']);
    assert.deepEqual(await post(pox('')), ['600']);
    assert.deepEqual(await post(pox('ann@example.org')), ['500']);
    assert.deepEqual(
      await post(
        pox('ann@example.test', 'http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006'),
      ),
      ['601'],
    );
    assert.equal((await ask('/autodiscover/autodiscover.xml')).headers.allow, 'POST');
    const large = await ask('/autodiscover/autodiscover.xml', { method: 'POST', body: 'x'.repeat(POX_BYTES + 1) });
    assert.equal(large.status, 413);
  });

  test('Autodiscover 2 leads to the name that was asked, when a certificate has it', async () => {
    const url = async (hostName: string): Promise<unknown> => {
      const target = '/autodiscover/autodiscover.json?Email=ann@example.test&Protocol=AutodiscoverV1';
      return JSON.parse((await ask(target, { hostName })).body.toString());
    };
    const at = (base: string) => ({ Protocol: 'AutodiscoverV1', Url: `${base}/autodiscover/autodiscover.xml` });
    assert.deepEqual(await url('autodiscover.example.test:10443'), at('https://autodiscover.example.test:10443'));
    assert.deepEqual(await url('evil.example.org'), at('https://mail.example.test'));
    const wrong = await ask('/autodiscover/autodiscover.json?Protocol=ActiveSync');
    assert.equal(wrong.status, 400);
    assert.equal(Object(JSON.parse(wrong.body.toString())).ErrorCode, 'InvalidProtocol');
  });

  test("Apple's profile is signed and names the account", async () => {
    await publish();
    await turnOn('imap4', 'imap4-backend');
    const { status, headers, body } = await ask('/discovery/apple.mobileconfig?address=ann@example.test');
    assert.equal(status, 200);
    assert.equal(headers['content-type'], 'application/x-apple-aspen-config');
    const xml = body.subarray(body.indexOf('<?xml'), body.indexOf('</plist>') + 8).toString();
    const texts = endings(xml, 'string');
    assert.ok(texts.includes('EmailTypeIMAP') && texts.includes('ann@example.test'));
    assert.equal(body[0], 0x30, 'DER');
    const again = await ask('/discovery/apple.mobileconfig?address=ANN@example.test');
    assert.deepEqual(
      endings(xml, 'string').filter((text) => /^[0-9A-F-]{36}$/.test(text)),
      endings(
        again.body.subarray(again.body.indexOf('<?xml'), again.body.indexOf('</plist>') + 8).toString(),
        'string',
      ).filter((text) => /^[0-9A-F-]{36}$/.test(text)),
      'a profile that is loaded again replaces the first one',
    );
  });

  for (const address of ['', 'no address', 'x@', `${'x'.repeat(300)}@example.test`, 'a b@example.test']) {
    test(`"${address.slice(0, 20)}" is no address`, async () => {
      const target = `/discovery/apple.mobileconfig?address=${encodeURIComponent(address)}`;
      assert.equal((await ask(target)).status, 400);
    });
  }
});
