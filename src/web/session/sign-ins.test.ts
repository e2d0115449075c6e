/**
 * Signing in and out over HTTP, and who is let in afterwards: each guard with a request that must fail. What a browser
 * does with a cookie is the browser's.
 */
import assert from 'node:assert/strict';
import type { OutgoingHttpHeaders } from 'node:http';
import { afterEach, before, beforeEach, describe, test } from 'node:test';
import { CHEAP, HOST, type Reply, SignInHost } from '../../../test/support/sign-in-host.ts';
import { createAppPassword } from '../../auth/app-passwords.ts';
import { THROTTLE_LIMITS } from '../../auth/throttle.ts';
import { makeCredentials } from '../../auth/verifiers.ts';
import type { Directory } from '../../directory/api.ts';
import type { Account, Credentials } from '../../directory/model.ts';
import { WEB_SESSION_IDLE_MS, WEB_SESSION_LIFE_MS } from '../../directory/web-session.ts';
import { COOKIE_NAME } from './cookie.ts';
import { SIGN_IN_BYTES } from './session-handler.ts';
import { type SignedIn, TOKEN_OFFER_MS, TOKEN_OVERLAP_MS, TOKEN_ROTATION_MS } from './sign-ins.ts';

const PASSWORD = 'correct horse battery';
/** What the app's requests bring with them. */
const OWN = { host: HOST, 'sec-fetch-site': 'same-origin', 'x-penfold': '1' };

let verifiers: Credentials;
let host: SignInHost;
let directory: Directory;
let ann: Account;
before(async () => {
  verifiers = await makeCredentials(PASSWORD, CHEAP);
});
beforeEach(async () => {
  host = await SignInHost.open(verifiers);
  ({ directory, ann } = host);
});
afterEach(() => host.close());

const json = (value: unknown): string => JSON.stringify(value);
const signIn = (password = PASSWORD, more: object = {}, headers: OutgoingHttpHeaders = OWN): Promise<Reply> =>
  host.ask(
    'POST',
    '/session',
    { 'content-type': 'application/json', ...headers },
    json({ user: 'ann', password, ...more }),
  );
/** As a browser sends it back. */
function cookieOf({ headers }: Reply): string {
  const [cookie] = headers['set-cookie'] ?? [];
  assert.ok(cookie !== undefined, 'a cookie is set');
  return cookie.split(';', 1)[0] ?? '';
}
const who = (cookie: string, headers: OutgoingHttpHeaders = OWN): Promise<Reply> =>
  host.ask('GET', '/who', { ...headers, cookie });
async function signedIn(): Promise<string> {
  const reply = await signIn();
  assert.equal(reply.status, 204);
  return cookieOf(reply);
}
async function refused(work: Promise<Reply>, status: number, detail: RegExp): Promise<Reply> {
  const reply = await work;
  assert.equal(reply.status, status, json(reply.body));
  assert.match(String(reply.body['detail']), detail);
  return reply;
}

describe('signing in', () => {
  test('the right password sets a cookie for this host, TLS, no script, no other site; then one is known', async () => {
    const reply = await signIn();
    const [cookie] = reply.headers['set-cookie'] ?? [];
    assert.match(
      cookie ?? '',
      /^__Host-penfold=[0-9a-f-]{36}\.[A-Za-z0-9_-]{43}; Path=\/; Secure; HttpOnly; SameSite=Strict$/,
    );
    assert.equal(reply.headers['cache-control'], 'no-store');
    const { body } = await who(cookieOf(reply));
    assert.deepEqual([body['user'], body['via']], ['ann', 'cookie']);
    assert.equal(host.last?.appPassword, null);
    const [session] = await directory.webSessions(ann.id);
    assert.equal(session?.id, body['webSession']);
    assert.equal(session?.clientAddress, '192.0.2.1');
  });

  test('a browser that is to remember keeps the cookie for as long as the session can last', async () => {
    const [cookie] = (await signIn(PASSWORD, { remember: true })).headers['set-cookie'] ?? [];
    assert.match(cookie ?? '', new RegExp(`; Max-Age=${WEB_SESSION_LIFE_MS / 1000}$`));
  });

  test('each refusal says what it is about', async () => {
    await refused(signIn('wrong'), 401, /user name or password is wrong/);
    const reply = await signIn('wrong');
    assert.equal(reply.headers['www-authenticate'], undefined, 'no window of the browser over the page');
    assert.equal(reply.headers['set-cookie'], undefined);
    await directory.setClientAccess(ann.id, { owaEnabled: false });
    await refused(signIn(), 403, /web pages is turned off|turned off for this mailbox/);
    await directory.setClientAccess(ann.id, { owaEnabled: true });
    await directory.changeAccount(ann.id, { enabled: false });
    await refused(signIn(), 403, /disabled/);
    await directory.changeAccount(ann.id, { enabled: true });
    for (let at = 0; at < THROTTLE_LIMITS.lockAfter; at += 1) await signIn('wrong');
    const locked = await refused(signIn(), 429, /Too many failed logons. Try again in 15 minutes/);
    assert.ok(Number(locked.headers['retry-after']) > 0);
  });

  test('the directory away is 503, not a wrong password', async () => {
    await directory.close();
    const { body } = await refused(signIn(), 503, /directory/);
    assert.equal(body['code'], 'UNAVAILABLE');
  });

  test('an app password does not sign in here', async () => {
    const { password } = await createAppPassword(directory, ann.id, { name: 'P', protocols: ['JMAP'] }, CHEAP);
    await refused(signIn(password), 403, /app password "P" is for JMAP only/);
  });

  test('what is not a sign-in is refused, and its words stay out of answer and log', async () => {
    const post = (body: string, type = 'application/json'): Promise<Reply> =>
      host.ask('POST', '/session', { ...OWN, 'content-type': type }, body);
    for (const body of ['{"user":"ann","secret"', json({ user: 'ann' }), json([]), json({ user: '', password: 'x' })])
      await refused(post(body), 400, /JSON|a sign-in is/);
    await refused(post(json({ user: 'ann', password: 'secret', more: 1 })), 400, /a sign-in is/);
    await refused(post('user=ann', 'application/x-www-form-urlencoded'), 400, /content-type/);
    await refused(post(json({ user: 'ann', password: 'x'.repeat(SIGN_IN_BYTES) })), 413, /at most/);
    await refused(host.ask('GET', '/session', OWN), 405, /POST and DELETE/);
    assert.ok(!host.lines.join().includes('secret'));
  });

  test('no password, token or cookie stands in the log', async () => {
    const cookie = await signedIn();
    await signIn('wrong secret');
    await who(cookie);
    await host.ask('DELETE', '/session', { ...OWN, cookie });
    const token = cookie.split('.')[1] ?? '';
    for (const secret of [PASSWORD, 'wrong secret', token]) assert.ok(!host.lines.join().includes(secret), secret);
    assert.ok(host.lines.some((line) => line.includes('signed in')));
  });

  test('signing in again ends the session the browser had before', async () => {
    const first = await signedIn();
    const reply = await signIn(PASSWORD, {}, { ...OWN, cookie: first });
    assert.equal(reply.status, 204);
    await refused(who(first), 401, /ended/);
    assert.equal((await who(cookieOf(reply))).status, 200);
    assert.equal((await directory.webSessions(ann.id)).length, 1);
  });
});

describe('signed in by cookie', () => {
  test('no cookie, another cookie, one that was made up', async () => {
    await refused(host.ask('GET', '/who', OWN), 401, /Sign in first/);
    const cookie = await signedIn();
    const flipped = cookie.at(-3) === 'A' ? 'B' : 'A';
    for (const wrong of [
      `${cookie.slice(0, -3)}${flipped}${cookie.slice(-2)}`,
      cookie.replace(ann.id, ann.id.replace(/.$/, '0')),
    ])
      if (wrong !== cookie) await refused(who(wrong), 401, /ended/);
    for (const none of [`${COOKIE_NAME}=`, `${COOKIE_NAME}=x.y`, 'other=1', `x${cookie}`])
      await refused(who(none), 401, /Sign in first/);
    assert.equal((await who(`other=1; ${cookie}; more=2`)).status, 200);
  });

  test('a page of another origin changes nothing and reads nothing', async () => {
    const cookie = await signedIn();
    const post = (headers: OutgoingHttpHeaders): Promise<Reply> =>
      host.ask('POST', '/who', { host: HOST, cookie, ...headers });
    assert.equal((await post({ 'sec-fetch-site': 'same-origin', 'x-penfold': '1' })).status, 200);
    assert.equal((await post({ origin: `https://${HOST}`, 'x-penfold': '1' })).status, 200, 'no Fetch Metadata');
    await refused(post({ 'sec-fetch-site': 'same-origin' }), 403, /X-Penfold/);
    await refused(post({ 'sec-fetch-site': 'same-origin', 'x-penfold': '0' }), 403, /X-Penfold/);
    await refused(post({ 'x-penfold': '1' }), 403, /which origin/);
    await refused(post({ 'sec-fetch-site': 'none', 'x-penfold': '1' }), 403, /which origin/);
    for (const site of ['cross-site', 'same-site', 'anything'])
      await refused(
        post({ 'sec-fetch-site': site, origin: `https://${HOST}`, 'x-penfold': '1' }),
        403,
        /other origins/,
      );
    for (const origin of ['https://evil.example', `http://${HOST}`, `https://${HOST}:8443`, 'null'])
      await refused(post({ origin, 'x-penfold': '1' }), 403, /other origins/);
    await refused(who(cookie, { host: HOST, 'sec-fetch-site': 'same-site' }), 403, /other origins/);
    await refused(who(cookie, { host: HOST, origin: 'https://evil.example' }), 403, /other origins/);
    assert.equal((await who(cookie, { host: HOST, 'sec-fetch-site': 'none' })).status, 200, 'typed in the address bar');
    assert.equal((await who(cookie, { host: HOST })).status, 200, 'a picture in a frame');
  });

  test('signing in and out by a foreign page is refused, too', async () => {
    const cookie = await signedIn();
    await refused(signIn(PASSWORD, {}, { host: HOST, 'x-penfold': '1' }), 403, /which origin/);
    await refused(signIn(PASSWORD, {}, { ...OWN, origin: 'https://evil.example' }), 403, /other origins/);
    await refused(host.ask('DELETE', '/session', { host: HOST, cookie, 'x-penfold': '1' }), 403, /which origin/);
    assert.equal((await who(cookie)).status, 200);
  });

  test('a WebSocket needs the origin, and no field that pages cannot set', async () => {
    const cookie = await signedIn();
    const open = (headers: OutgoingHttpHeaders): Promise<Reply> =>
      host.ask('GET', '/socket', { host: HOST, cookie, ...headers });
    assert.equal((await open({ origin: `https://${HOST}` })).status, 200);
    await refused(open({}), 403, /names its origin/);
    await refused(open({ origin: 'https://evil.example' }), 403, /other origins/);
    await refused(open({ origin: `https://${HOST}`, 'sec-fetch-site': 'cross-site' }), 403, /other origins/);
  });

  test('signed out is signed out, and the cookie goes', async () => {
    const cookie = await signedIn();
    const reply = await host.ask('DELETE', '/session', { ...OWN, cookie });
    assert.equal(reply.status, 204);
    assert.match(reply.headers['set-cookie']?.[0] ?? '', /^__Host-penfold=; .*Max-Age=0$/);
    await refused(who(cookie), 401, /ended/);
    assert.equal((await host.ask('DELETE', '/session', { ...OWN, cookie })).status, 204, 'once more is no error');
  });

  test('what ends an account’s sessions ends them at the next request', async () => {
    const end = async (how: () => Promise<unknown>, back: () => Promise<unknown> = async () => {}): Promise<void> => {
      const cookie = await signedIn();
      await how();
      await refused(who(cookie), 401, /ended/);
      await back();
      await refused(who(cookie), 401, /ended/);
    };
    await end(
      () => directory.changeAccount(ann.id, { enabled: false }),
      () => directory.changeAccount(ann.id, { enabled: true }),
    );
    await end(
      () => directory.setClientAccess(ann.id, { owaEnabled: false }),
      () => directory.setClientAccess(ann.id, { owaEnabled: true }),
    );
    await end(() => directory.changeAccount(ann.id, { credentials: verifiers }));
    await end(() => directory.endWebSessions(ann.id));
    await end(() => directory.removeAccount(ann.id));
  });

  test('idle too long, or too old, is over; use keeps it for a while', async () => {
    const idle = await signedIn();
    host.now += WEB_SESSION_IDLE_MS;
    await refused(who(idle), 401, /ended/);
    const begun = host.now;
    let cookie = await signedIn();
    while (host.now + WEB_SESSION_IDLE_MS < begun + WEB_SESSION_LIFE_MS) {
      host.now += WEB_SESSION_IDLE_MS - 1;
      const reply = await who(cookie);
      assert.equal(reply.status, 200);
      if (reply.headers['set-cookie'] !== undefined) cookie = cookieOf(reply);
      await host.uses.flush();
    }
    assert.equal((await who(cookie)).status, 200);
    host.now = begun + WEB_SESSION_LIFE_MS;
    await refused(who(cookie), 401, /ended/);
  });

  test('another server’s later use counts, though nobody announced it', async () => {
    const cookie = await signedIn();
    await who(cookie);
    const { webSession } = host.last ?? assert.fail('someone is there');
    host.now += WEB_SESSION_IDLE_MS - 1;
    await directory.noteUses([
      { account: ann.id, protocol: 'web', at: host.now, clientAddress: '', program: '', appPassword: null, webSession },
    ]);
    host.now += 1000;
    assert.equal((await who(cookie)).status, 200);
  });
});

describe('the token changes once a day', () => {
  test('a successor comes with an answer; the one before holds until it is used, and a moment longer', async () => {
    const first = await signedIn();
    host.now += TOKEN_ROTATION_MS - 1;
    assert.equal((await who(first)).headers['set-cookie'], undefined);
    host.now += 1;
    const replies = await Promise.all([who(first), who(first), who(first)]);
    const set = replies.filter(({ headers }) => headers['set-cookie'] !== undefined);
    assert.equal(set.length, 1, 'of requests side by side one brings it');
    const [reply] = set;
    assert.ok(reply !== undefined);
    const second = cookieOf(reply);
    assert.notEqual(second, first);
    assert.equal((await who(first)).status, 200, 'the answer may have been lost');
    assert.equal((await who(second)).status, 200);
    host.now += TOKEN_OVERLAP_MS - 1;
    assert.equal((await who(first)).status, 200, 'one that was on its way');
    host.now += 1;
    await refused(who(first), 401, /ended/);
    assert.equal((await who(second)).status, 200);
    assert.equal((await directory.webSessions(ann.id)).length, 1);
  });

  test('a successor that never came back is replaced, and does not count any more', async () => {
    const first = await signedIn();
    host.now += TOKEN_ROTATION_MS;
    const lost = cookieOf(await who(first));
    host.now += TOKEN_OFFER_MS - 1;
    assert.equal((await who(first)).headers['set-cookie'], undefined);
    host.now += 2;
    const next = cookieOf(await who(first));
    await refused(who(lost), 401, /ended/);
    assert.equal((await who(next)).status, 200);
  });

  test('a WebSocket upgrade has no answer that could bring one', async () => {
    const first = await signedIn();
    host.now += TOKEN_ROTATION_MS;
    const reply = await host.ask('GET', '/socket', { host: HOST, cookie: first, origin: `https://${HOST}` });
    assert.equal(reply.headers['set-cookie'], undefined);
    assert.ok(cookieOf(await who(first)));
  });
});

describe('by password with each request', () => {
  const basic = (password: string, headers: OutgoingHttpHeaders = {}): Promise<Reply> =>
    host.ask('POST', '/who', {
      host: HOST,
      authorization: `Basic ${Buffer.from(`ann:${password}`).toString('base64')}`,
      ...headers,
    });

  test('the own password and app passwords for JMAP', async () => {
    assert.equal((await basic(PASSWORD)).status, 200);
    assert.deepEqual([host.last?.via, host.last?.webSession, host.last?.appPassword], ['basic', null, null]);
    const made = await createAppPassword(directory, ann.id, { name: 'P', protocols: ['JMAP'] }, CHEAP);
    assert.equal((await basic(made.password)).status, 200);
    assert.equal(host.last?.appPassword, made.appPassword.id);
    const phone = await createAppPassword(directory, ann.id, { name: 'Phone', protocols: ['IMAP'] }, CHEAP);
    await refused(basic(phone.password), 403, /Make one for JMAP/);
  });

  test('a wrong one is told to log on, by the browser’s window only where there is no app', async () => {
    const reply = await refused(basic('wrong'), 401, /wrong/);
    assert.match(reply.headers['www-authenticate'] ?? '', /^Basic realm=/);
    assert.equal((await basic('wrong', { 'x-penfold': '1' })).headers['www-authenticate'], undefined);
    await refused(host.ask('GET', '/who', { host: HOST, authorization: 'Bearer abc' }), 401, /HTTP Basic/);
  });

  test('a foreign page does not ride on a password that the browser has kept', async () => {
    await refused(basic(PASSWORD, { origin: 'https://evil.example' }), 403, /other origins/);
    await refused(basic(PASSWORD, { 'sec-fetch-site': 'cross-site' }), 403, /other origins/);
  });
});

describe('streams', () => {
  const endOf = (someone: SignedIn): Promise<string> =>
    new Promise((resolve) => {
      host.signIns.whileSignedIn(someone, resolve);
    });
  const me = async (): Promise<SignedIn> => {
    await who(await signedIn());
    return host.last ?? assert.fail('someone is there');
  };

  test('end with the session, and not with another one', async () => {
    const [mine, other] = [await me(), await me()];
    const [ended, otherEnded] = [endOf(mine), endOf(other)];
    let otherIsOver = false;
    void otherEnded.then(() => (otherIsOver = true));
    await directory.endWebSessions(ann.id, [mine.webSession ?? '']);
    assert.match(await ended, /ended/);
    assert.equal(otherIsOver, false);
    await directory.changeAccount(ann.id, { enabled: false });
    assert.match(await otherEnded, /disabled/);
  });

  test('end when an app password is removed, and when it went before anybody watched', async () => {
    const { appPassword } = await createAppPassword(directory, ann.id, { name: 'P', protocols: ['JMAP'] }, CHEAP);
    const program: SignedIn = { user: ann, webSession: null, via: 'basic', appPassword: appPassword.id };
    const ended = endOf(program);
    await directory.removeAppPassword(ann.id, appPassword.id);
    assert.match(await ended, /removed/);
    assert.match(await endOf(program), /removed/);
  });

  test('who stops watching hears nothing', async () => {
    const mine = await me();
    let heard = 0;
    const stop = host.signIns.whileSignedIn(mine, () => (heard += 1));
    stop();
    const other = endOf(mine);
    await directory.endWebSessions(ann.id);
    await other;
    assert.equal(heard, 0);
  });
});
