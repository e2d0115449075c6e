/** The first page: signing in by mouse and by keyboard, what is said when it fails, signing out. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { webMissing } from './support/browser.ts';
import { startWeb, type Web } from './support/web.ts';

describe('the sign-in page', { skip: webMissing() }, () => {
  let web: Web;
  before(async () => {
    web = await startWeb();
  });
  after(() => web?.stop());

  test('nobody is signed in at first; the page can be used by everybody', async () => {
    const visit = await web.visit();
    const words = await visit.words('app');
    await visit.page.getByRole('heading', { name: words('signIn.title') }).waitFor();
    await visit.checkAccessibility('the sign-in page');
    await visit.screenshots('sign-in');
    await visit.close();
  });

  test('by keyboard alone: address, password, Enter', async () => {
    const visit = await web.visit();
    const { page } = visit;
    const { address, password } = web.organization.user(0);
    await page.getByRole('textbox').first().waitFor();
    await page.keyboard.type(address);
    await page.keyboard.press('Tab');
    await page.keyboard.type(password);
    await page.keyboard.press('Enter');
    await page.getByRole('navigation').first().waitFor();
    const cookies = await page.context().cookies();
    assert.deepEqual(
      cookies.map(({ name, httpOnly, secure, sameSite }) => [name, httpOnly, secure, sameSite]),
      [['__Host-penfold', true, true, 'Strict']],
    );
    await visit.close();
  });

  test('a wrong password is said, and nobody is signed in', async () => {
    const visit = await web.visit();
    const words = await visit.words('app');
    await visit.page.getByLabel(words('signIn.user'), { exact: true }).fill(web.organization.user(0).address);
    await visit.page.getByLabel(words('signIn.password'), { exact: true }).fill('not it');
    await visit.page.getByRole('button', { name: words('signIn.button'), exact: true }).click();
    await visit.page.getByRole('alert').waitFor();
    await visit.checkAccessibility('the sign-in page with a refusal');
    await visit.page.reload();
    await visit.page.getByRole('heading', { name: words('signIn.title') }).waitFor();
    await visit.close();
  });

  test('in Spanish, and on a telephone', async () => {
    const visit = await web.visit({ language: 'es', width: 390, scheme: 'dark' });
    const words = await visit.words('app');
    await visit.page.getByRole('heading', { name: words('signIn.title') }).waitFor();
    assert.equal(await visit.page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth'), true);
    await visit.checkAccessibility('the sign-in page in Spanish');
    await visit.close();
  });
});
