/** SCRAM against the example of RFC 7677 §3, and a client written from RFC 5802 alone. */
import assert from 'node:assert/strict';
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import * as fc from 'fast-check';
import type { Directory } from '../../directory/api.ts';
import { openSqliteDirectory } from '../../directory/engine/sqlite/directory.ts';
import type { ScramVerifier } from '../../directory/model.ts';
import { Failure, ProtocolViolation } from '../../observe/failure.ts';
import type { Authenticator, Logon, LogonContext } from '../api.ts';
import { createAuthenticator } from '../authenticator.ts';
import { Throttle, THROTTLE_LIMITS } from '../throttle.ts';
import { makeCredentials } from '../verifiers.ts';
import type { MechanismHost } from './mechanism.ts';
import { parseClientFinal, parseClientFirst, SCRAM_NONCE_LENGTH, scramExchange } from './scram.ts';

const context: LogonContext = { protocol: 'imap', remoteAddress: '192.0.2.9', encrypted: false, channelBinding: null };
const binding = randomBytes(32);
const boundContext: LogonContext = { ...context, encrypted: true, channelBinding: binding };
const hmac = (key: Uint8Array, text: string): Buffer => createHmac('sha256', key).update(text).digest();

function keysOf(password: string, salt: Buffer, iterations: number): { client: Buffer; verifier: ScramVerifier } {
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256');
  const client = hmac(salted, 'Client Key');
  const storedKey = createHash('sha256').update(client).digest();
  return { client, verifier: { iterations, salt, storedKey, serverKey: hmac(salted, 'Server Key') } };
}

const example: Logon['account'] = await (async () => {
  const directory = await openSqliteDirectory({ file: ':memory:' });
  const account = await directory.addAccount({
    kind: 'user',
    displayName: 'user',
    alias: 'user',
    userPrincipalName: 'user@example.org',
    mailbox: null,
    credentials: null,
  });
  await directory.close();
  return account;
})();

test('the example of RFC 7677 §3, byte for byte', async () => {
  const { verifier } = keysOf('pencil', Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'), 4096);
  const accepted: string[] = [];
  const host: MechanismHost = {
    password: () => Promise.reject(new Error('not asked for')),
    scram: async (name) => ({
      ...verifier,
      keys: [verifier],
      accept: async (_, authorizationId): Promise<Logon> => {
        accepted.push(`${name}/${authorizationId}`);
        return { account: example, mailbox: example };
      },
      reject: () => Promise.reject(new Failure('AUTHENTICATIONFAILED', 'no')),
    }),
  };
  const exchange = scramExchange(host, context, { plus: false, nonce: () => '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0' });
  const first = await exchange.step(Buffer.from('n,,n=user,r=rOprNGfwEbeRWgbNEkqO'));
  assert.ok(!first.done);
  assert.equal(
    Buffer.from(first.challenge).toString(),
    'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  );
  const final = await exchange.step(
    Buffer.from(
      'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
    ),
  );
  assert.ok(final.done && final.final !== null);
  assert.equal(Buffer.from(final.final).toString(), 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=');
  assert.deepEqual(accepted, ['user/']);
});

const PASSWORD = 'p\u00e4ss, wörd=ünd \u00ad mehr';
let directory: Directory;
let auth: Authenticator;
const saltKey = randomBytes(32);

before(async () => {
  directory = await openSqliteDirectory({ file: ':memory:' });
  await directory.addDomain({ name: 'example.org', type: 'Authoritative', isDefault: true });
  const site = await directory.addSite('S');
  const fields = { name: 'A', fqdn: 'a.example.org', site: site.id, frontEnd: true, backEnd: true };
  const server = await directory.addServer(fields);
  const { id } = await directory.addDatabase({ name: 'D', server: server.id, engine: 'sqlite', location: 'd' });
  const credentials = await makeCredentials(PASSWORD);
  for (const [alias, kind] of [
    ['ann', 'user'],
    ['a=b', 'user'],
    ['admin', 'administrator'],
  ] as const)
    await directory.addAccount({
      kind,
      displayName: alias,
      alias,
      userPrincipalName: `${alias}@example.org`,
      mailbox: { database: id, addresses: [`${alias}@example.org`] },
      credentials,
    });
  auth = createAuthenticator({ directory, saltKey, delay: async () => {} });
});
after(() => directory.close());

interface Options {
  readonly gs2?: string;
  readonly context?: LogonContext;
  readonly mechanism?: string;
  readonly bindingData?: Buffer;
  readonly tamper?: (final: string) => string;
}

/** A whole exchange as a client does it. Resolves with the logon after checking the server's signature. */
async function authenticate(by: Authenticator, name: string, password: string, options: Options = {}): Promise<Logon> {
  const gs2 = options.gs2 ?? 'n,,';
  const exchange = by.begin(options.mechanism ?? 'SCRAM-SHA-256', options.context ?? context);
  assert.ok(exchange !== null);
  const bare = `n=${name.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${randomBytes(12).toString('base64')}`;
  const first = await exchange.step(Buffer.from(gs2 + bare));
  assert.ok(!first.done);
  const serverFirst = Buffer.from(first.challenge).toString();
  const match = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(serverFirst);
  assert.ok(match?.[1] !== undefined && match[2] !== undefined);
  const { client, verifier } = keysOf(password, Buffer.from(match[2], 'base64'), Number(match[3]));
  const channel = Buffer.concat([Buffer.from(gs2), options.bindingData ?? Buffer.alloc(0)]).toString('base64');
  const withoutProof = `c=${channel},r=${match[1]}`;
  const message = `${bare},${serverFirst},${withoutProof}`;
  const signature = hmac(verifier.storedKey, message);
  const proof = client.map((byte, at) => byte ^ (signature[at] ?? 0));
  const final = `${withoutProof},p=${Buffer.from(proof).toString('base64')}`;
  const step = await exchange.step(Buffer.from(options.tamper?.(final) ?? final));
  assert.ok(step.done && step.final !== null);
  assert.equal(Buffer.from(step.final).toString(), `v=${hmac(verifier.serverKey, message).toString('base64')}`);
  await assert.rejects(exchange.step(Buffer.from(final)), ProtocolViolation);
  return step.logon;
}

/** SASLprep of PASSWORD: the soft hyphen goes (RFC 4013 §2.1). */
const PREPARED = PASSWORD.replace('\u00ad', '');
const failure = (code: string) => (error: unknown) => error instanceof Failure && error.code === code;

test('the right password logs on, names with = and , included', async () => {
  assert.equal((await authenticate(auth, 'ann', PREPARED)).account.alias, 'ann');
  assert.equal((await authenticate(auth, 'a=b@example.org', PREPARED)).account.alias, 'a=b');
  assert.equal((await authenticate(auth, 'ann', PREPARED, { gs2: 'n,a=ann@example.org,' })).account.alias, 'ann');
  await assert.rejects(
    authenticate(auth, 'ann', PREPARED, { gs2: 'n,a=a=3Db@example.org,' }),
    failure('AUTHORIZATIONFAILED'),
  );
  await assert.rejects(authenticate(auth, 'admin', PREPARED), failure('AUTHORIZATIONFAILED'));
});

test('another mailbox opens with Full Access, named behind the user or as authorization identity', async () => {
  const account = async (name: string) => {
    const found = await directory.accountByLogonName(name);
    assert.ok(found !== null);
    return found.id;
  };
  const asOther = { gs2: 'n,a=a=3Db@example.org,' };
  await assert.rejects(authenticate(auth, 'ann*a=b', PREPARED), failure('AUTHORIZATIONFAILED'));
  await directory.setPermission({ mailbox: await account('a=b'), user: await account('ann'), rights: ['FullAccess'] });
  for (const logon of [
    await authenticate(auth, 'ann*a=b', PREPARED),
    await authenticate(auth, 'ann@example.org/a=b@example.org', PREPARED),
    await authenticate(auth, 'ann', PREPARED, asOther),
    await authenticate(auth, 'ann*a=b', PREPARED, asOther),
  ])
    assert.deepEqual([logon.account.alias, logon.mailbox.alias], ['ann', 'a=b']);
  await assert.rejects(authenticate(auth, 'ann*a=b', 'wrong'), failure('AUTHENTICATIONFAILED'));
  await directory.setPermission({ mailbox: await account('a=b'), user: await account('ann'), rights: [] });
});

test('wrong passwords, unknown names and tampered messages are refused alike', async () => {
  await assert.rejects(authenticate(auth, 'ann', 'wrong'), failure('AUTHENTICATIONFAILED'));
  await assert.rejects(authenticate(auth, 'nobody', PREPARED), failure('AUTHENTICATIONFAILED'));
  const tampers: Array<(final: string) => string> = [
    (final) => final.replace('r=', 'r=x'),
    (final) => final.replace('c=biws', 'c=eSws'),
    (final) => final.replace(/p=.*/, `p=${randomBytes(32).toString('base64')}`),
    (final) => final.replace(/p=.*/, 'p=AA=='),
  ];
  for (const tamper of tampers)
    await assert.rejects(authenticate(auth, 'ann', PREPARED, { tamper }), failure('AUTHENTICATIONFAILED'));
});

test('-PLUS is bound to the TLS channel; a stripped or foreign binding fails', async () => {
  const plus = { mechanism: 'SCRAM-SHA-256-PLUS', gs2: 'p=tls-exporter,,', context: boundContext };
  assert.equal((await authenticate(auth, 'ann', PREPARED, { ...plus, bindingData: binding })).account.alias, 'ann');
  const elsewhere = { ...plus, bindingData: randomBytes(32) };
  await assert.rejects(authenticate(auth, 'ann', PREPARED, elsewhere), failure('AUTHENTICATIONFAILED'));
  await assert.rejects(authenticate(auth, 'ann', PREPARED, plus), failure('AUTHENTICATIONFAILED'));
  await assert.rejects(
    authenticate(auth, 'ann', PREPARED, { ...plus, gs2: 'p=tls-unique,,', bindingData: binding }),
    failure('AUTHENTICATIONFAILED'),
  );
  // RFC 5802 §6: `y` says "the server has no -PLUS", and it was announced.
  await assert.rejects(
    authenticate(auth, 'ann', PREPARED, { gs2: 'y,,', context: boundContext }),
    failure('AUTHENTICATIONFAILED'),
  );
  assert.equal((await authenticate(auth, 'ann', PREPARED, { gs2: 'y,,' })).account.alias, 'ann');
  await assert.rejects(authenticate(auth, 'ann', PREPARED, { ...plus, gs2: 'n,,' }), ProtocolViolation);
  await assert.rejects(
    authenticate(auth, 'ann', PREPARED, { gs2: 'p=tls-exporter,,', context: boundContext }),
    ProtocolViolation,
  );
});

test('an unknown name has one salt for ever, under all its spellings, and looks like a known one', async () => {
  const firstOf = async (by: Authenticator, name: string): Promise<string> => {
    const step = await by.begin('SCRAM-SHA-256', context)?.step(Buffer.from(`n,,n=${name},r=abc`));
    assert.ok(step?.done === false);
    return Buffer.from(step.challenge)
      .toString()
      .replace(/^r=[^,]+,/, '');
  };
  const restarted = createAuthenticator({ directory, saltKey });
  const salt = await firstOf(auth, 'nobody');
  for (const name of ['nobody', 'NOBODY', 'nobody@example.org', 'example\\nobody'])
    for (const by of [auth, restarted]) assert.equal(await firstOf(by, name), salt, name);
  assert.notEqual(await firstOf(auth, 'somebody'), salt);
  const known = await firstOf(auth, 'ann');
  assert.equal(known.length, salt.length);
  assert.equal(/i=(\d+)$/.exec(known)?.[1], /i=(\d+)$/.exec(salt)?.[1]);
});

test('failed proofs lock out as failed passwords do, also those begun before', async () => {
  const own = createAuthenticator({ directory, throttle: new Throttle(), delay: async () => {} });
  const begun = own.begin('SCRAM-SHA-256', context);
  await begun?.step(Buffer.from('n,,n=ann,r=abc'));
  for (let i = 0; i < THROTTLE_LIMITS.lockAfter; i += 1)
    await assert.rejects(authenticate(own, 'ann', 'wrong'), failure('AUTHENTICATIONFAILED'));
  await assert.rejects(authenticate(own, 'ann', PREPARED), failure('LIMIT'));
  await assert.rejects(async () => begun?.step(Buffer.from('c=biws,r=x,p=AAAA')), failure('LIMIT'));
});

test('malformed messages are violations', () => {
  const firsts = [
    '',
    'n',
    'n,,',
    'x,,n=a,r=b',
    'n,,n=,r=b',
    'n,,n=a',
    'n,,r=b,n=a',
    'n,,n=a,r=',
    'n,,n=a=41,r=b',
    'n,,n=a,r=b c',
    'n,,m=x,n=a,r=b',
    'p=,,n=a,r=b',
    'n,b=x,n=a,r=b',
    `n,,n=a,r=${'r'.repeat(SCRAM_NONCE_LENGTH + 1)}`,
    'n,,n=a\0,r=b',
  ];
  for (const text of firsts) assert.throws(() => parseClientFirst(Buffer.from(text)), ProtocolViolation, text);
  assert.doesNotThrow(() => parseClientFirst(Buffer.from(`n,,n=a,r=${'r'.repeat(SCRAM_NONCE_LENGTH)},x=y`)));
  for (const text of [
    '',
    'c=biws',
    'c=biws,r=x',
    'r=x,c=biws,p=AA==',
    'c=,r=x,p=AA==',
    'c=biws,r=x,p=',
    'c=biws,r=x,p=AA==,z',
  ])
    assert.throws(() => parseClientFinal(Buffer.from(text)), ProtocolViolation, text);
  assert.equal(parseClientFinal(Buffer.from('c=biws,r=x,e=1,p=AA==')).withoutProof, 'c=biws,r=x,e=1');
});

test('client-first survives a round trip of any name', () => {
  const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter((name) => !name.includes('\0'));
  fc.assert(
    fc.property(text, fc.stringMatching(/^[!-+\--~]{1,40}$/), (raw, nonce) => {
      const name = raw.toWellFormed();
      const encoded = name.replaceAll('=', '=3D').replaceAll(',', '=2C');
      const parsed = parseClientFirst(Buffer.from(`y,a=${encoded},n=${encoded},r=${nonce}`));
      assert.deepEqual([parsed.name, parsed.authorizationId, parsed.nonce], [name, name, nonce]);
      assert.equal(parsed.gs2Header, `y,a=${encoded},`);
    }),
  );
});
