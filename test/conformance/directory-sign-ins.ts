/** Web sessions, app passwords, last use and preferences on every directory engine: what is kept, what ends with what. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { Directory, DirectoryChange } from '../../src/directory/api.ts';
import { APP_PASSWORD_NAME_CHARACTERS, APP_PASSWORDS_PER_ACCOUNT } from '../../src/directory/app-password.ts';
import type { Use } from '../../src/directory/last-use.ts';
import { type Account, accountId } from '../../src/directory/model.ts';
import { DEFAULT_PREFERENCES, SIGNATURES } from '../../src/directory/preferences.ts';
import {
  USER_AGENT_CHARACTERS,
  WEB_SESSION_IDLE_MS,
  WEB_SESSION_LIFE_MS,
  WEB_SESSIONS_PER_ACCOUNT,
  type WebSession,
} from '../../src/directory/web-session.ts';
import {
  credentials,
  type DirectoryUnderTest,
  type OpenDirectory,
  person,
  refused,
  smallOrganization,
} from './directory-fixture.ts';

const NOBODY = accountId('none');
const token = (seed: number): Uint8Array => new Uint8Array(32).fill(seed);

export function directorySignInsConformance(engine: string, open: OpenDirectory): void {
  describe(`sign-ins on ${engine}`, () => {
    let under: DirectoryUnderTest;
    let directory: Directory;
    let ann: Account;
    let now: number;
    let heard: DirectoryChange[];

    beforeEach(async () => {
      now = Date.now();
      under = await open({ now: () => now });
      directory = under.directory;
      const { database } = await smallOrganization(directory);
      ann = await directory.addAccount(person(database, 'ann', { credentials: credentials(1) }));
      heard = [];
      directory.watch((change) => heard.push(change));
    });
    afterEach(() => under.close());

    const signIn = (seed: number, more: { userAgent?: string } = {}): Promise<WebSession> =>
      directory.addWebSession({
        account: ann.id,
        token: token(seed),
        userAgent: 'Browser/1',
        clientAddress: '192.0.2.1',
        isRemembered: true,
        ...more,
      });
    const ids = async (): Promise<readonly string[]> => (await directory.webSessions(ann.id)).map(({ id }) => id);
    const use = (more: Partial<Use>): Use => ({
      account: ann.id,
      protocol: 'imap',
      at: now,
      clientAddress: '192.0.2.7',
      program: '',
      appPassword: null,
      webSession: null,
      ...more,
    });

    test('a session is kept as it was made, in every opening, and every server hears of it', async () => {
      const made = await signIn(1, { userAgent: 'x'.repeat(USER_AGENT_CHARACTERS + 1) });
      assert.equal(made.userAgent.length, USER_AGENT_CHARACTERS);
      assert.deepEqual(await directory.webSessions(ann.id), [made]);
      const [known] = await directory.webSessionTokens(ann.id);
      assert.deepEqual(known?.token, token(1));
      assert.deepEqual([known?.offered, known?.former], [null, null]);
      assert.deepEqual(heard, [{ kind: 'web-session', id: ann.id }]);
      assert.deepEqual(await directory.webSessionTokens(NOBODY), []);
      await refused(directory.addWebSession({ ...made, account: NOBODY, token: token(2) }), 'NONEXISTENT');
      await refused(directory.addWebSession({ ...made, token: Buffer.from('short') }), 'CANNOT');
      const another = await under.another();
      if (another === null) return;
      assert.deepEqual(await another.webSessions(ann.id), [made]);
      await another.close();
    });

    test('idle or old sessions are over, and rows of them go with the next sign-in', async () => {
      const idle = await signIn(1);
      now += WEB_SESSION_IDLE_MS - 1;
      assert.deepEqual(await ids(), [idle.id]);
      now += 1;
      assert.deepEqual(await ids(), []);
      assert.equal((await directory.webSessionTokens(ann.id)).length, 1);
      const old = await signIn(2);
      assert.equal((await directory.webSessionTokens(ann.id)).length, 1);
      const begun = now;
      while (now < begun + WEB_SESSION_LIFE_MS - WEB_SESSION_IDLE_MS) {
        now += WEB_SESSION_IDLE_MS - 1;
        await directory.noteUses([use({ protocol: 'web', webSession: old.id })]);
        assert.deepEqual(await ids(), [old.id]);
      }
      now = begun + WEB_SESSION_LIFE_MS;
      await directory.noteUses([use({ protocol: 'web', at: now - 1, webSession: old.id })]);
      assert.deepEqual(await ids(), [], 'over however much it is used');
    });

    test('an account has so many sessions at most; the one not used longest goes', async () => {
      const first = await signIn(0);
      for (let at = 1; at < WEB_SESSIONS_PER_ACCOUNT; at += 1) {
        now += 1;
        await signIn(at);
      }
      assert.ok((await ids()).includes(first.id));
      now += 1;
      await signIn(99);
      const left = await ids();
      assert.equal(left.length, WEB_SESSIONS_PER_ACCOUNT);
      assert.ok(!left.includes(first.id));
    });

    test('a token is offered once in a while and takes over when it comes back', async () => {
      const session = await signIn(1);
      now += 1000;
      assert.equal(await directory.offerWebSessionToken(session, token(2), now), true);
      assert.equal(await directory.offerWebSessionToken(session, token(3), now), false, 'one that ran beside it');
      await directory.adoptWebSessionToken(session, token(3), now + 60);
      assert.deepEqual((await directory.webSessionTokens(ann.id))[0]?.token, token(1), 'never offered');
      await directory.adoptWebSessionToken(session, token(2), now + 60);
      const [known] = await directory.webSessionTokens(ann.id);
      assert.deepEqual(
        [known?.token, known?.tokenAt, known?.offered, known?.former, known?.formerUntil],
        [token(2), now, null, token(1), now + 60],
      );
      await directory.signOut(session);
      assert.equal(await directory.offerWebSessionToken(session, token(4), now + 10_000), false, 'it is gone');
    });

    test('sessions end one by one, all at once, and never those of another account', async () => {
      const [a, b, c] = [await signIn(1), await signIn(2), await signIn(3)];
      await directory.signOut({ ...a, account: NOBODY });
      assert.equal((await ids()).length, 3);
      await directory.signOut(a);
      assert.equal(await directory.endWebSessions(ann.id, [b.id, 'another']), 1);
      assert.deepEqual(await ids(), [c.id]);
      assert.equal(await directory.endWebSessions(ann.id), 1);
      assert.deepEqual(await directory.webSessionTokens(ann.id), []);
      await refused(directory.endWebSessions(NOBODY), 'NONEXISTENT');
    });

    test('a new password ends sessions but the one it was changed in; a disabled account and OWAEnabled end all', async () => {
      const [mine] = [await signIn(1), await signIn(2)];
      await directory.changeAccount(ann.id, { displayName: 'Ann' });
      assert.equal((await ids()).length, 2);
      await directory.changeAccount(ann.id, { credentials: credentials(2), keepWebSession: mine.id });
      assert.deepEqual(await ids(), [mine.id]);
      await directory.setClientAccess(ann.id, { popEnabled: false });
      assert.deepEqual(await ids(), [mine.id]);
      await directory.setClientAccess(ann.id, { owaEnabled: false });
      assert.deepEqual(await ids(), []);
      await signIn(3);
      await directory.changeAccount(ann.id, { enabled: false });
      assert.deepEqual(await directory.webSessionTokens(ann.id), []);
      await directory.changeAccount(ann.id, { enabled: true });
      assert.deepEqual(await ids(), [], 'nothing comes back');
      await signIn(4);
      await directory.removeAccount(ann.id);
      assert.deepEqual(await directory.webSessionTokens(ann.id), []);
    });

    const phone = {
      name: 'Phone',
      protocols: ['IMAP', 'SMTP'],
      selector: 'abcd',
      credentials: credentials(5),
    } as const;

    test('an app password is kept with its verifier, and its owner sees none', async () => {
      const made = await directory.addAppPassword({ account: ann.id, ...phone, protocols: ['SMTP', 'IMAP'] });
      assert.deepEqual(made.protocols, ['IMAP', 'SMTP']);
      assert.deepEqual(await directory.appPasswords(ann.id), [made]);
      const [known] = await directory.appPasswordVerifiers(ann.id);
      assert.deepEqual([known?.id, known?.selector, known?.credentials], [made.id, 'abcd', credentials(5)]);
      assert.deepEqual(heard, [{ kind: 'app-password', id: ann.id }]);
      await directory.noteUses([use({ appPassword: made.id })]);
      assert.equal((await directory.appPasswords(ann.id))[0]?.lastUsedAt, now);
      assert.equal((await directory.changeAppPassword(ann.id, made.id, { name: ' Tablet ' })).name, 'Tablet');
      await refused(directory.removeAppPassword(accountId('none'), made.id), 'NONEXISTENT');
      await directory.removeAppPassword(ann.id, made.id);
      assert.deepEqual(await directory.appPasswordVerifiers(ann.id), []);
      await refused(directory.removeAppPassword(ann.id, made.id), 'NONEXISTENT');
    });

    test('app passwords: names, protocols and their number have bounds', async () => {
      await directory.addAppPassword({ account: ann.id, ...phone });
      const add = (more: object): Promise<unknown> =>
        directory.addAppPassword({ account: ann.id, ...phone, selector: 'x', name: 'x', ...more });
      await refused(add({ name: 'PHONE' }), 'ALREADYEXISTS');
      await refused(add({ selector: 'abcd' }), 'ALREADYEXISTS');
      await refused(add({ name: ' ' }), 'CANNOT');
      await refused(add({ name: 'x'.repeat(APP_PASSWORD_NAME_CHARACTERS + 1) }), 'CANNOT');
      await refused(add({ protocols: [] }), 'CANNOT');
      for (let at = 1; at < APP_PASSWORDS_PER_ACCOUNT; at += 1) await add({ name: `n${at}`, selector: `s${at}` });
      await refused(add({ name: 'more' }), 'CANNOT', new RegExp(String(APP_PASSWORDS_PER_ACCOUNT)));
    });

    test('app passwords outlive a new password, and go with the last one', async () => {
      await directory.addAppPassword({ account: ann.id, ...phone });
      await directory.changeAccount(ann.id, { credentials: credentials(2) });
      assert.equal((await directory.appPasswords(ann.id)).length, 1);
      await directory.changeAccount(ann.id, { credentials: null });
      assert.deepEqual(await directory.appPasswordVerifiers(ann.id), []);
      await refused(directory.addAppPassword({ account: ann.id, ...phone }), 'CANNOT');
    });

    test('last use by protocol: the newest counts, what is gone is passed over, nobody is told', async () => {
      await directory.noteUses([
        use({ protocol: 'web', program: 'Browser' }),
        use({ at: now - 5, program: 'late' }),
        use({ program: 'mutt' }),
        use({ at: now - 9, program: 'very late' }),
        use({ account: NOBODY }),
        use({ protocol: 'smtp', at: now - 1, appPassword: 'none', webSession: 'none' }),
      ]);
      const last = { clientAddress: '192.0.2.7', program: '' };
      assert.deepEqual(await directory.lastUses(ann.id), [
        { ...last, protocol: 'imap', at: now, program: 'mutt' },
        { ...last, protocol: 'smtp', at: now - 1 },
        { ...last, protocol: 'web', at: now, program: 'Browser' },
      ]);
      assert.deepEqual(await directory.lastUses(NOBODY), []);
      assert.deepEqual(heard, []);
      assert.equal((await directory.auditLog({ limit: 10 })).filter((one) => one.objectKind === 'LastUse').length, 0);
    });

    test('preferences: defaults, what was set, and nothing that does not fit', async () => {
      assert.deepEqual(await directory.preferences(ann.id), DEFAULT_PREFERENCES);
      const work = { id: 'work', name: 'Work', text: 'Ann', html: '<p>Ann</p>' };
      const patch = { timeZone: 'Europe/Dublin', signatures: [work], replySignature: 'work' };
      assert.deepEqual(await directory.setPreferences(ann.id, patch), { ...DEFAULT_PREFERENCES, ...patch });
      await directory.setPreferences(ann.id, { undoSendSeconds: 0 });
      assert.deepEqual(await directory.preferences(ann.id), { ...DEFAULT_PREFERENCES, ...patch, undoSendSeconds: 0 });
      await refused(directory.setPreferences(ann.id, { signatures: [] }), 'CANNOT', /replySignature/);
      await refused(directory.setPreferences(ann.id, { timeZone: 'Mars/Olympus' }), 'CANNOT', /timeZone/);
      await refused(directory.setPreferences(ann.id, { timeZone: '+02:00' }), 'CANNOT', /timeZone/);
      await refused(directory.setPreferences(ann.id, { language: 'not a tag' }), 'CANNOT', /language/);
      await refused(directory.setPreferences(ann.id, { undoSendSeconds: 61 }), 'CANNOT', /undoSendSeconds/);
      const many = Array.from({ length: SIGNATURES + 1 }, (_, at) => ({ ...work, id: `s${at}` }));
      await refused(directory.setPreferences(ann.id, { signatures: many }), 'CANNOT', /signatures/);
      await refused(directory.setPreferences(ann.id, { signatures: [work, work] }), 'CANNOT', /one id/);
      await refused(directory.setPreferences(NOBODY, {}), 'NONEXISTENT');
      assert.equal((await directory.preferences(ann.id)).timeZone, 'Europe/Dublin');
    });
  });
}
