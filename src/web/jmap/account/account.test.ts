/** The account capability as a client meets it: requests through the dispatcher, each guard with a call that must fail. */
import assert from 'node:assert/strict';
import { afterEach, before, beforeEach, describe, test } from 'node:test';
import { CHEAP, SignInHost } from '../../../../test/support/sign-in-host.ts';
import type { Authenticator, LogonContext } from '../../../auth/api.ts';
import { nodeArgon2 } from '../../../auth/argon2id.ts';
import { createAuthenticator } from '../../../auth/authenticator.ts';
import { PASSWORD_LENGTH } from '../../../auth/password-policy.ts';
import { Throttle, THROTTLE_LIMITS } from '../../../auth/throttle.ts';
import { makeCredentials } from '../../../auth/verifiers.ts';
import { APP_PASSWORDS_PER_ACCOUNT } from '../../../directory/app-password.ts';
import type { DirectoryChange } from '../../../directory/api.ts';
import type { Account, Credentials } from '../../../directory/model.ts';
import { SIGNATURES } from '../../../directory/preferences.ts';
import type { WebSession } from '../../../directory/web-session.ts';
import type { Capability, JmapContext } from '../capability.ts';
import { carryOut } from '../dispatch.ts';
import type { JsonObject } from '../json.ts';
import { APP_PASSWORDS_MADE_IN_AN_HOUR } from './app-password-records.ts';
import { accountCapability } from './capability.ts';
import { ACCOUNT } from './own-records.ts';

const PASSWORD = 'correct horse battery';
const NEXT = 'another horse battery';
const imap: LogonContext = { protocol: 'imap', remoteAddress: '192.0.2.9', encrypted: true, channelBinding: null };

let verifiers: Credentials;
let host: SignInHost;
let ann: Account;
let authenticator: Authenticator;
let capability: Capability;
let context: JmapContext;

before(async () => {
  verifiers = await makeCredentials(PASSWORD, CHEAP);
});
beforeEach(async () => {
  host = await SignInHost.open(verifiers);
  ({ ann } = host);
  authenticator = createAuthenticator({
    directory: host.directory,
    throttle: new Throttle(THROTTLE_LIMITS, () => 1_000_000),
    hash: (input) => nodeArgon2({ ...input, memory: Math.min(input.memory, 64), passes: 1 }),
    delay: async () => {},
  });
  capability = accountCapability({ directory: host.directory, authenticator, credentials: CHEAP });
  context = {
    user: ann,
    webSession: null,
    appPassword: null,
    remoteAddress: '192.0.2.1',
    account: () => Promise.reject(new Error('no mailbox is opened')),
  };
});
afterEach(() => host.close());

async function call(name: string, args: JsonObject, more: Partial<JmapContext> = {}): Promise<JsonObject> {
  const { methodResponses } = await carryOut(
    { using: [ACCOUNT], calls: [{ name, args: { accountId: ann.id, ...args }, callId: 'c' }], createdIds: null },
    {
      methods: new Map(capability.methods.map((method) => [method.name, method])),
      context: { ...context, ...more },
      sessionState: 's',
      signal: new AbortController().signal,
      onFault: (error) => assert.fail(String(error)),
    },
  );
  const [answer] = methodResponses;
  assert.ok(answer !== undefined);
  return answer[0] === 'error' ? { error: answer[1]['type'], ...answer[1] } : answer[1];
}
const at = (value: unknown, ...path: readonly (string | number)[]): unknown =>
  path.reduce<unknown>(
    (now, key) => (typeof now === 'object' && now !== null ? Reflect.get(now, key) : undefined),
    value,
  );
const textAt = (value: unknown, ...path: readonly (string | number)[]): string => {
  const found = at(value, ...path);
  assert.ok(typeof found === 'string', JSON.stringify(value));
  return found;
};
const signIn = (seed: number): Promise<WebSession> =>
  host.directory.addWebSession({
    account: ann.id,
    token: new Uint8Array(32).fill(seed),
    userAgent: `Browser/${seed}`,
    clientAddress: '192.0.2.1',
    isRemembered: false,
  });

describe('every type', () => {
  test('is the caller’s own, and has no other arguments, properties or records', async () => {
    for (const type of ['AccountSettings', 'AppPassword', 'WebSession']) {
      for (const method of ['get', 'set'])
        assert.equal((await call(`${type}/${method}`, { accountId: 'another' })).error, 'accountNotFound');
      assert.equal((await call(`${type}/get`, { properties: ['secret'] })).error, 'invalidArguments');
      assert.equal((await call(`${type}/get`, { more: 1 })).error, 'invalidArguments');
      assert.deepEqual((await call(`${type}/get`, { ids: ['none'] }))['notFound'], ['none']);
      assert.equal((await call(`${type}/set`, { ifInState: 'old' })).error, 'stateMismatch');
      const gone = await call(`${type}/set`, { destroy: ['none'] });
      assert.equal(typeof at(gone, 'notDestroyed', 'none', 'type'), 'string');
    }
    assert.equal((await call('Password/change', { accountId: 'another' })).error, 'accountNotFound');
  });

  test('is described for the own account only', async () => {
    const described = await capability.describeAccount({ owner: ann, isReadOnly: false }, ann);
    assert.equal(described?.['maxAppPasswords'], APP_PASSWORDS_PER_ACCOUNT);
    const foreign = await host.directory.addAccount({
      kind: 'user',
      displayName: 'Bob',
      alias: 'bob',
      userPrincipalName: 'bob@example.org',
      mailbox: null,
      credentials: null,
    });
    assert.equal(await capability.describeAccount({ owner: foreign, isReadOnly: false }, ann), null);
  });

  test('says which directory changes concern it, and its state is that of /get', async () => {
    for (const one of capability.directoryTypes ?? []) {
      const { type } = one;
      const own = { owner: ann, isReadOnly: false };
      const concerns = (change: DirectoryChange): boolean => one.concerns(change, own, ann);
      assert.equal(await one.state(own, ann), (await call(`${type}/get`, {}))['state']);
      const kinds = ['preferences', 'app-password', 'web-session', 'account'] as const;
      assert.equal(kinds.filter((kind) => concerns({ kind, id: ann.id })).length, 1, type);
      assert.equal(kinds.filter((kind) => concerns({ kind, id: 'another' })).length, 0, type);
      assert.equal(kinds.filter((kind) => concerns({ kind, id: null })).length, 1, type);
    }
  });
});

describe('AccountSettings', () => {
  test('are read with defaults, changed by whole values, and null is the default again', async () => {
    const first = await call('AccountSettings/get', { ids: null });
    assert.equal(at(first, 'list', 0, 'userName'), 'ann@example.org');
    assert.equal(at(first, 'list', 0, 'composeFormat'), 'html');
    const work = { id: 'w', name: 'Work', text: 'Ann', html: '<p>Ann</p>' };
    const patch = { language: 'es', signatures: [work], replySignature: 'w', undoSendSeconds: 30 };
    const set = await call('AccountSettings/set', { update: { singleton: patch } });
    assert.deepEqual([set['updated'], set['notUpdated']], [{ singleton: null }, {}]);
    assert.notEqual(set['newState'], first['state']);
    const second = await call('AccountSettings/get', { properties: ['language', 'signatures'] });
    assert.deepEqual(second['list'], [{ id: 'singleton', language: 'es', signatures: [work] }]);
    assert.equal(second['state'], set['newState']);
    await call('AccountSettings/set', { update: { singleton: { language: null } } });
    assert.equal((await host.directory.preferences(ann.id)).language, null);
    const [entry] = await host.directory.auditLog({ limit: 1 });
    assert.deepEqual(entry?.actor, { user: 'ann@example.org', via: 'web', command: 'AccountSettings/set' });
  });

  test('what does not fit is refused, and nothing changes', async () => {
    const refusal = async (patch: JsonObject, id = 'singleton'): Promise<unknown> =>
      at(await call('AccountSettings/set', { update: { [id]: patch } }), 'notUpdated', id, 'type');
    assert.equal(await refusal({ userName: 'x' }), 'invalidProperties');
    assert.equal(await refusal({ 'signatures/0/name': 'x' }), 'invalidPatch');
    assert.equal(await refusal({ composeFormat: 'rtf' }), 'invalidProperties');
    assert.equal(await refusal({ undoSendSeconds: 1e9 }), 'invalidProperties');
    const one = { id: 'w', name: 'W', text: '', html: '' };
    const many = Array.from({ length: SIGNATURES + 1 }, (_, n) => ({ ...one, id: `w${n}` }));
    assert.equal(await refusal({ signatures: many }), 'invalidProperties');
    assert.equal(await refusal({ signatures: [{ ...one, html: 'x'.repeat(1_000_000) }] }), 'invalidProperties');
    assert.equal(await refusal({ language: 'es' }, 'other'), 'notFound');
    const made = await call('AccountSettings/set', { create: { a: {} }, destroy: ['singleton'] });
    assert.equal(at(made, 'notCreated', 'a', 'type'), 'singleton');
    assert.equal(at(made, 'notDestroyed', 'singleton', 'type'), 'singleton');
    assert.equal((await host.directory.preferences(ann.id)).composeFormat, 'html');
  });

  test('tell of the last use by protocol', async () => {
    const use = { account: ann.id, clientAddress: '192.0.2.7', appPassword: null, webSession: null };
    await host.directory.noteUses([{ ...use, protocol: 'imap', at: 1_700_000_000_000, program: 'mutt' }]);
    assert.deepEqual(at(await call('AccountSettings/get', {}), 'list', 0, 'lastUses'), [
      { protocol: 'imap', at: '2023-11-14T22:13:20.000Z', clientAddress: '192.0.2.7', program: 'mutt' },
    ]);
  });
});

describe('AppPassword', () => {
  const make = (name: string, protocols: readonly string[]): Promise<JsonObject> =>
    call('AppPassword/set', { create: { a: { name, protocols } } });

  test('is told once, opens its protocols, can be renamed and taken away', async () => {
    const made = await make('Phone', ['IMAP', 'JMAP']);
    const password = textAt(made, 'created', 'a', 'password');
    const id = textAt(made, 'created', 'a', 'id');
    const program: LogonContext = { ...imap, protocol: 'web', jmap: true };
    assert.equal((await authenticator.password('ann', password, program)).appPassword?.id, id);
    const list = (await call('AppPassword/get', {}))['list'];
    assert.deepEqual(Object.keys(Object(at(list, 0))), ['id', 'name', 'protocols', 'createdAt', 'lastUsedAt']);
    assert.ok(!JSON.stringify(list).includes(password.slice(5)));
    await call('AppPassword/set', { update: { [id]: { name: 'Tablet' } } });
    assert.equal(at(await call('AppPassword/get', { ids: [id] }), 'list', 0, 'name'), 'Tablet');
    const gone = await call('AppPassword/set', { destroy: [id] });
    assert.deepEqual(gone['destroyed'], [id]);
    await assert.rejects(authenticator.password('ann', password, program), { code: 'AUTHENTICATIONFAILED' });
    const audit = JSON.stringify(await host.directory.auditLog({ limit: 10 }));
    assert.ok(audit.includes('AppPassword/set') && !audit.includes(password.slice(5)));
  });

  test('what cannot be made is refused', async () => {
    const refusal = async (record: JsonObject): Promise<unknown> =>
      at(await call('AppPassword/set', { create: { a: record } }), 'notCreated', 'a', 'type');
    assert.equal(await refusal({ name: 'x' }), 'invalidProperties');
    assert.equal(await refusal({ name: 'x', protocols: [] }), 'invalidProperties');
    assert.equal(await refusal({ name: 'x', protocols: ['WEB'] }), 'invalidProperties');
    assert.equal(await refusal({ name: '', protocols: ['IMAP'] }), 'invalidProperties');
    assert.equal(await refusal({ name: 'x', protocols: ['IMAP'], password: 'mine' }), 'invalidProperties');
    await make('Phone', ['IMAP']);
    assert.equal(await refusal({ name: 'phone', protocols: ['IMAP'] }), 'alreadyExists');
    const update = await call('AppPassword/set', { update: { none: { name: 'x' }, other: { protocols: ['POP'] } } });
    assert.equal(at(update, 'notUpdated', 'none', 'type'), 'notFound');
    assert.equal(at(update, 'notUpdated', 'other', 'type'), 'invalidProperties');
  });

  test('so many an hour', async () => {
    for (let n = 0; n < APP_PASSWORDS_MADE_IN_AN_HOUR; n += 1) await make('x', ['IMAP']);
    assert.equal((await make('y', ['IMAP'])).error, 'rateLimit');
  });
});

describe('WebSession', () => {
  test('the present one is marked; another one is ended, and cannot be changed', async () => {
    const [mine, other] = [await signIn(1), await signIn(2)];
    const got = await call('WebSession/get', {}, { webSession: mine.id });
    const list = at(got, 'list');
    assert.ok(Array.isArray(list));
    const presence = new Map(list.map((one) => [at(one, 'id'), at(one, 'isPresent')]));
    assert.deepEqual([presence.size, presence.get(mine.id), presence.get(other.id)], [2, true, false]);
    assert.ok(!JSON.stringify(got).includes('token'));
    assert.equal(got['state'], (await call('WebSession/get', {}, { webSession: other.id }))['state']);
    const update = await call('WebSession/set', { update: { [mine.id]: { userAgent: 'x' } }, create: { a: {} } });
    assert.equal(at(update, 'notUpdated', mine.id, 'type'), 'forbidden');
    assert.equal(at(update, 'notCreated', 'a', 'type'), 'forbidden');
    await call('WebSession/set', { destroy: [other.id] });
    assert.deepEqual(
      (await host.directory.webSessions(ann.id)).map(({ id }) => id),
      [mine.id],
    );
  });
});

describe('Password/change', () => {
  const change = (currentPassword: string, newPassword: string, more: Partial<JmapContext> = {}): Promise<JsonObject> =>
    call('Password/change', { currentPassword, newPassword }, more);

  test('the new one counts, other sessions end, this one goes on', async () => {
    const [mine] = [await signIn(1), await signIn(2)];
    assert.deepEqual(await change(PASSWORD, NEXT, { webSession: mine.id }), { accountId: ann.id });
    assert.deepEqual(
      (await host.directory.webSessions(ann.id)).map(({ id }) => id),
      [mine.id],
    );
    const web: LogonContext = { ...imap, protocol: 'web' };
    await authenticator.password('ann', NEXT, web);
    await assert.rejects(authenticator.password('ann', PASSWORD, web), { code: 'AUTHENTICATIONFAILED' });
    const [entry] = await host.directory.auditLog({ limit: 1 });
    assert.equal(entry?.actor.command, 'Password/change');
  });

  test('a wrong current one counts at the throttle, as a failed logon', async () => {
    for (let n = 0; n < THROTTLE_LIMITS.lockAfter; n += 1) {
      const refused = await change('wrong', NEXT);
      assert.deepEqual([refused.error, refused['reason']], ['forbidden', 'currentPassword']);
    }
    const locked = await change(PASSWORD, NEXT);
    assert.deepEqual([locked.error, locked['reason']], ['forbidden', 'lockedOut']);
    await assert.rejects(authenticator.password('ann', PASSWORD, { ...imap, remoteAddress: '192.0.2.1' }), {
      code: 'LIMIT',
    });
  });

  test('the new one is held to the policy', async () => {
    for (const next of ['x'.repeat(PASSWORD_LENGTH - 1), 'ann@example.org', PASSWORD, 'aaaaaaaaaa', '']) {
      const refused = await change(PASSWORD, next);
      assert.deepEqual([refused.error, refused['arguments']], ['invalidArguments', ['newPassword']], next);
    }
    assert.equal((await host.directory.credentials(ann.id))?.argon2id, verifiers.argon2id);
  });
});

test('a program with an app password reads, and makes no changes that last', async () => {
  const session = await signIn(1);
  const made = await call('AppPassword/set', { create: { a: { name: 'Program', protocols: ['JMAP'] } } });
  const id = textAt(made, 'created', 'a', 'id');
  const program = { appPassword: id };
  assert.equal(at(await call('AppPassword/get', {}, program), 'list', 0, 'id'), id);
  const create = { a: { name: 'More', protocols: ['IMAP'] } };
  const set = await call('AppPassword/set', { create, update: { [id]: { name: 'x' } }, destroy: [id] }, program);
  assert.equal(at(set, 'notCreated', 'a', 'type'), 'forbidden');
  assert.equal(at(set, 'notUpdated', id, 'type'), 'forbidden');
  assert.equal(at(set, 'notDestroyed', id, 'type'), 'forbidden');
  const ended = await call('WebSession/set', { destroy: [session.id] }, program);
  assert.equal(at(ended, 'notDestroyed', session.id, 'type'), 'forbidden');
  const changed = await call('Password/change', { currentPassword: PASSWORD, newPassword: NEXT }, program);
  assert.equal(changed.error, 'forbidden');
  assert.equal((await host.directory.appPasswords(ann.id)).length, 1);
});
