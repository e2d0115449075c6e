/** My account (issue 5, §6): app passwords, sessions, the password, signatures; each by what it does, not by its words. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { testConnectivity } from '../../src/management/connectivity/run.ts';
import { webMissing } from './support/browser.ts';
import { startWeb, type Web } from './support/web.ts';

describe('account settings', { skip: webMissing() }, () => {
  let web: Web;
  before(async () => {
    web = await startWeb({ users: ['alice', 'bob', 'carol'] });
  });
  after(() => web?.stop());

  /** Whether a mail program gets in. */
  const getsIn = async (user: number, password: string): Promise<boolean> => {
    const { organization } = web;
    const { address } = organization.user(user);
    const { result } = await testConnectivity({
      protocol: 'imap',
      target: {
        host: '127.0.0.1',
        port: organization.imap.tls,
        connectionType: 'Ssl',
        serverName: 'localhost',
        trustAny: false,
        authorities: [organization.ca],
      },
      submission: null,
      credential: { user: address, password },
      address,
      perConnectionTimeoutMs: 10_000,
      timeoutMs: 10_000,
    });
    return result === 'Success';
  };

  test('my account: who one is, and the way to POP and IMAP', async () => {
    const visit = await web.visit({ user: 0, path: '/settings' });
    const words = await visit.words('settings');
    await visit.page.getByRole('heading', { name: words('topic.account'), level: 1 }).waitFor();
    await visit.page.getByText('alice@example.test').first().waitFor();
    await visit.page.getByRole('link', { name: words('topic.popImapUnderAccount') }).waitFor();
    await visit.checkAccessibility('my account');
    await visit.screenshots('account');
    await visit.close();
  });

  test('an app password is shown once, opens the mailbox for a program, and is taken away', async () => {
    const visit = await web.visit({ user: 0, path: '/settings/options/security' });
    const { page } = visit;
    const words = await visit.words('settings');
    await page.getByRole('button', { name: words('appPasswords.new') }).click();
    await page.getByLabel(words('appPasswords.name'), { exact: true }).fill('Phone');
    await visit.checkAccessibility('a new app password');
    await page.getByRole('button', { name: words('appPasswords.make') }).click();
    const password = (await page.getByTestId('app-password').textContent()) ?? '';
    assert.ok(await getsIn(0, password));
    await page.getByRole('button', { name: words('appPasswords.copy') }).click();
    assert.equal(await page.evaluate<string>('navigator.clipboard.readText()'), password);
    await page.getByRole('button', { name: words('appPasswords.noted') }).click();
    await page.getByText('Phone').first().waitFor();
    assert.equal(await page.getByText(password).count(), 0);
    await visit.checkAccessibility('sign-in and devices');
    await visit.screenshots('account-security');
    await page.getByRole('button', { name: words('appPasswords.removeOf').replace('{{name}}', 'Phone') }).click();
    await page
      .getByRole('alertdialog')
      .getByRole('button', { name: words('appPasswords.remove'), exact: true })
      .click();
    await page.getByText('Phone', { exact: true }).waitFor({ state: 'detached' });
    assert.equal(await getsIn(0, password), false);
    await visit.close();
  });

  test('a session elsewhere is ended, and that browser is asked to sign in', async () => {
    const here = await web.visit({ user: 1, path: '/settings/options/security' });
    const there = await web.visit({ user: 1, path: '/settings/options/general' });
    const words = await here.words('settings');
    const app = await there.words('app');
    const end = here.page.getByRole('button', { name: words('sessions.end'), exact: false }).last();
    await end.click();
    await here.page.getByText(words('sessions.ended')).waitFor();
    await there.page.reload();
    await there.page.getByRole('heading', { name: app('signIn.title') }).waitFor();
    await here.page.reload();
    await here.page.getByRole('heading', { name: words('password.title') }).waitFor();
    await here.close();
    await there.close();
  });

  test('the password is changed: the wrong current one is said, the new one counts', async () => {
    const visit = await web.visit({ user: 2, path: '/settings/options/security' });
    const { page } = visit;
    const words = await visit.words('settings');
    const next = 'a few words of mine';
    const change = async (current: string): Promise<void> => {
      await page.getByLabel(words('password.current'), { exact: true }).fill(current);
      await page.getByLabel(words('password.new'), { exact: true }).fill(next);
      await page.getByLabel(words('password.again'), { exact: true }).fill(next);
      await page.keyboard.press('Enter');
    };
    await change('not it');
    await page.getByText(words('password.currentWrong')).waitFor();
    await change(web.organization.user(2).password);
    await page.getByText(words('password.changed')).waitFor();
    assert.deepEqual([await getsIn(2, next), await getsIn(2, web.organization.user(2).password)], [true, false]);
    await visit.close();
  });

  test('a signature and undo send are kept with the account', async () => {
    const visit = await web.visit({ user: 0, path: '/settings/mail/writing' });
    const { page } = visit;
    const words = await visit.words('settings');
    await page.getByRole('button', { name: words('signatures.new') }).click();
    await page.getByLabel(words('signatures.name'), { exact: true }).fill('Work');
    await page.getByLabel(words('signatures.text'), { exact: true }).fill('Alice <alice@example.test>');
    await page.getByRole('button', { name: (await visit.words('app'))('save') }).click();
    await page.getByText('Work').first().waitFor();
    await page.getByRole('button', { name: new RegExp(words('writing.undo')) }).click();
    await page.getByRole('option', { name: '20 seconds' }).click();
    await page.getByText(words('saved')).last().waitFor();
    await visit.checkAccessibility('reading and writing');
    await visit.screenshots('account-writing');
    await visit.close();
    const { directory } = web.organization;
    const { signatures, newMessageSignature, undoSendSeconds } = await directory.preferences(
      web.organization.user(0).account.id,
    );
    assert.deepEqual(signatures, [
      {
        id: '1',
        name: 'Work',
        text: 'Alice <alice@example.test>',
        html: '<div>Alice &lt;alice@example.test&gt;</div>',
      },
    ]);
    assert.deepEqual([newMessageSignature, undoSendSeconds], ['1', 20]);
  });
});
