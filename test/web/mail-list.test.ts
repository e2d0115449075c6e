/** The list of the mail page: reading on by mouse and keyboard, choosing, acting with a way back, mail that comes in. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { FLAGGED, SEEN } from '../../src/store/model.ts';
import { webMissing } from './support/browser.ts';
import type { Visit } from './support/visit.ts';
import { startWeb, type Web } from './support/web.ts';

const DAY = 86_400;
const NOW = 1_796_000_000;

const message = (from: string, subject: string, more = ''): string =>
  `From: ${from}\r\nTo: alice@example.test\r\nSubject: ${subject}\r\nMessage-ID: <${subject.replaceAll(' ', '-')}@example.org>\r\n${more}\r\nThe text of ${subject}.\r\n`;

const grid = (visit: Visit) => visit.page.getByRole('grid');
const row = (visit: Visit, text: string) => grid(visit).getByRole('row').filter({ hasText: text });

const scrollTo = (visit: Visit, row: number): Promise<unknown> =>
  visit.page.evaluate<unknown>(
    `document.querySelector('[role=grid]').scrollTo({ top: 76 * ${row}, behavior: 'instant' })`,
  );

describe('the list of messages', { skip: webMissing() }, () => {
  let web: Web;
  before(async () => {
    web = await startWeb({ users: ['alice', 'bob', 'carol', 'dora'] });
    for (const user of [0, 1, 2])
      await web.inMailbox(user, async (_, append) => {
        for (let number = 1; number <= 12; number += 1)
          await append(message(`"Writer ${number}" <w${number}@example.org>`, `Subject number ${number}`), {
            at: NOW - (20 - number) * DAY,
            flags: number === 5 ? SEEN | FLAGGED : SEEN,
          });
        await append(message('ann@example.org', 'Lunch'), { at: NOW, flags: 0 });
        await append(
          message(
            'Ben <ben@example.org>',
            'Re: Lunch',
            'In-Reply-To: <Lunch@example.org>\r\nReferences: <Lunch@example.org>\r\n',
          ),
          { at: NOW + 60, flags: 0 },
        );
      });
    await web.inMailbox(3, async (_, append) => {
      for (let number = 1; number <= 150; number += 1)
        await append(message(`w${number}@example.org`, `Many ${number}`), { at: NOW + number, flags: 0 });
    });
  });
  after(() => web?.stop());

  test('newest first, conversations as one row, unread ones told; everybody can use it', async () => {
    const visit = await web.visit({ user: 0, path: '/mail' });
    await row(visit, 'Lunch').waitFor();
    assert.equal(await grid(visit).getAttribute('aria-rowcount'), '13');
    const first = grid(visit).getByRole('row').first();
    assert.match(await first.innerText(), /Unread\.[\s\S]*ann, Ben[\s\S]*Lunch/);
    assert.match(await visit.page.title(), /^\(2\) Inbox/);
    await visit.checkAccessibility('the list');
    await visit.screenshots('mail-list');
    await visit.close();
  });

  test('as single messages when the person wants that', async () => {
    const visit = await web.visit({ user: 0, path: '/mail' });
    const words = await visit.words('mail');
    await visit.page.getByRole('button', { name: words('list.view') }).click();
    await visit.page.getByRole('menuitemradio', { name: words('list.messages') }).click();
    await row(visit, 'Re: Lunch').waitFor();
    assert.equal(await grid(visit).getAttribute('aria-rowcount'), '14');
    await visit.close();
  });

  test('by keyboard: down, open, on to the next, back; addresses lead to the same place after a reload', async () => {
    const visit = await web.visit({ user: 1, path: '/mail' });
    const { page } = visit;
    await row(visit, 'Lunch').waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Subject number 12' }).waitFor();
    await page.keyboard.press('k');
    await page.getByRole('heading', { name: 'Lunch' }).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.getByRole('heading', { name: 'Subject number 12' }).waitFor();
    const address = page.url();
    await page.reload();
    await page.getByRole('heading', { name: 'Subject number 12' }).waitFor();
    assert.equal(page.url(), address);
    await page.keyboard.press('Escape');
    await page.waitForURL(/\/mail\/inbox$/);
    await page.goBack();
    await page.getByRole('heading', { name: 'Subject number 12' }).waitFor();
    await visit.close();
  });

  test('archived by key, brought back by "Undo" and by z; what was archived is in Archive', async () => {
    const visit = await web.visit({ user: 1, path: '/mail' });
    const words = await visit.words('mail');
    const { page } = visit;
    const subject = 'Subject number 11';
    await row(visit, subject).click();
    await page.getByRole('heading', { name: subject }).waitFor();
    await page.keyboard.press('e');
    await row(visit, subject).waitFor({ state: 'detached' });
    await page.getByRole('heading', { name: 'Subject number 10' }).waitFor();
    await page.getByRole('button', { name: words('actions.undo') }).click();
    await row(visit, subject).waitFor();
    await row(visit, subject).click();
    await page.keyboard.press('e');
    await row(visit, subject).waitFor({ state: 'detached' });
    await page.keyboard.press('z');
    await row(visit, subject).waitFor();
    await row(visit, subject).click();
    await page.keyboard.press('e');
    await page.keyboard.press('g');
    await page.keyboard.press('a');
    await page.waitForURL(/\/mail\/archive/);
    await row(visit, subject).waitFor();
    await visit.close();
  });

  test('chosen by mouse with Shift and Ctrl, and by key; deleted together', async () => {
    const visit = await web.visit({ user: 2, path: '/mail' });
    const { page } = visit;
    const chosen = () => grid(visit).locator('[aria-selected="true"]').count();
    await row(visit, 'Subject number 9').click();
    await row(visit, 'Subject number 7').click({ modifiers: ['Shift'] });
    assert.equal(await chosen(), 3);
    await row(visit, 'Subject number 4').click({ modifiers: ['Control'] });
    assert.equal(await chosen(), 4);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('x');
    assert.equal(await chosen(), 5);
    await page.keyboard.press('#');
    await row(visit, 'Subject number 8').waitFor({ state: 'detached' });
    await row(visit, 'Subject number 3').waitFor({ state: 'detached' });
    await row(visit, 'Subject number 2').waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('b');
    await row(visit, 'Subject number 8').waitFor();
    assert.equal(await grid(visit).getAttribute('aria-rowcount'), '5');
    await visit.close();
  });

  test('from Deleted Items for good, and only after a question', async () => {
    const visit = await web.visit({ user: 2, path: '/mail/trash' });
    const words = await visit.words('mail');
    const app = await visit.words('app');
    const { page } = visit;
    await row(visit, 'Subject number 8').click();
    await page.keyboard.press('#');
    const question = page.getByRole('alertdialog');
    await question.getByRole('button', { name: app('cancel') }).click();
    await row(visit, 'Subject number 8').waitFor();
    await page.keyboard.press('#');
    await question.getByRole('button', { name: words('destroy.action') }).click();
    await row(visit, 'Subject number 8').waitFor({ state: 'detached' });
    await visit.close();
    await web.inMailbox(2, async (mailbox) => {
      assert.equal(mailbox.folders().find(({ specialUse }) => specialUse === 'trash')?.exists, 4);
      return Promise.resolve();
    });
  });

  test('all of a folder, also what is not loaded, with a way back', async () => {
    const visit = await web.visit({ user: 3, path: '/mail' });
    const words = await visit.words('mail');
    const { page } = visit;
    await row(visit, 'Many 150').waitFor();
    await page.getByRole('button', { name: words('list.chooseAll') }).click();
    await page.keyboard.press('Shift+I');
    await page.getByText('150 messages marked as read').waitFor();
    const unseen = (): Promise<number | undefined> =>
      web.inMailbox(3, (mailbox) =>
        Promise.resolve(mailbox.folders().find(({ specialUse }) => specialUse === 'inbox')?.unseen),
      );
    assert.equal(await unseen(), 0);
    await page.getByRole('button', { name: words('actions.undo') }).click();
    await page.getByRole('treeitem', { name: /Inbox 150/ }).waitFor();
    assert.equal(await unseen(), 150);
    await visit.close();
  });

  test('mail that comes in is there at once, is told, and what is read stays where it is', async () => {
    const visit = await web.visit({ user: 3, path: '/mail' });
    const { page } = visit;
    await row(visit, 'Many 150').waitFor();
    await scrollTo(visit, 60);
    const watched = row(visit, 'Many 85');
    await watched.waitFor();
    const top = async (): Promise<number> => Math.round((await watched.boundingBox())?.y ?? Number.NaN);
    const before = await top();
    await web.inMailbox(3, (_, append) =>
      append(message('Zoe <zoe@example.org>', 'Fresh'), { at: NOW + 999, flags: 0 }),
    );
    await page.getByText('New mail from Zoe: Fresh').waitFor({ state: 'attached' });
    await page.waitForFunction('document.querySelector("[role=grid]").getAttribute("aria-rowcount") === "151"');
    assert.equal(await top(), before);
    await scrollTo(visit, 0);
    await row(visit, 'Fresh').waitFor();
    assert.match(await page.title(), /^\(151\)/);
    await visit.close();
  });

  test('a flag that another program sets shows without being asked for', async () => {
    const visit = await web.visit({ user: 0, path: '/mail' });
    const words = await visit.words('mail');
    await row(visit, 'Subject number 12').waitFor();
    await web.inMailbox(0, async (mailbox) => {
      const inbox = mailbox.folders().find(({ specialUse }) => specialUse === 'inbox');
      assert.ok(inbox !== undefined);
      const view = await mailbox.view(inbox.id);
      const uid = view.columns.uid[11];
      view.close();
      assert.ok(uid !== undefined);
      await mailbox.setFlags(inbox.id, Uint32Array.of(uid), { op: 'add', flags: FLAGGED, keywords: [] });
    });
    await row(visit, 'Subject number 12')
      .getByRole('button', { name: words('actions.unflag'), pressed: true, includeHidden: true })
      .waitFor({ state: 'attached' });
    await visit.close();
  });

  test('keys are letters while one types; "?" tells them all', async () => {
    const visit = await web.visit({ user: 0, path: '/mail' });
    const words = await visit.words('mail');
    const { page } = visit;
    await row(visit, 'Lunch').waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('jexx#');
    assert.equal(await page.getByRole('searchbox').inputValue(), 'jexx#');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await page.getByRole('searchbox').blur();
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: words('keys.title') }).waitFor();
    await visit.checkAccessibility('the help');
    await visit.close();
  });
});
