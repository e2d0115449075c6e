/** Folders, search and reading on the mail page: by mouse and by keyboard. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { SEEN } from '../../src/store/model.ts';
import { webMissing } from './support/browser.ts';
import type { Visit } from './support/visit.ts';
import { startWeb, type Web } from './support/web.ts';

const message = (from: string, subject: string, more = '', text = `The text of ${subject}.`): string =>
  `From: ${from}\r\nTo: alice@example.test\r\nSubject: ${subject}\r\nMessage-ID: <${subject.replaceAll(/\W/g, '-')}@example.org>\r\n${more}\r\n${text}\r\n`;

const row = (visit: Visit, text: string) => visit.page.getByRole('grid').getByRole('row').filter({ hasText: text });
const folder = (visit: Visit, name: string) => visit.page.getByRole('treeitem', { name: new RegExp(`^${name}`) });

describe('folders, search and reading', { skip: webMissing() }, () => {
  let web: Web;
  before(async () => {
    web = await startWeb({ users: ['alice'] });
    await web.inMailbox(0, async (_, append) => {
      await append(message('Ann <ann@example.org>', 'Lunch on Friday'), { flags: SEEN });
      await append(message('Ben <ben@example.org>', 'Contract', '', 'Please sign the zebra clause.'), { flags: 0 });
      await append(message('Cyd <cyd@example.org>', 'Old news'), { folder: 'Papers', flags: SEEN });
      for (let number = 1; number <= 7; number += 1)
        await append(
          message(
            `Writer ${number} <w${number}@example.org>`,
            'Plans',
            `In-Reply-To: <first@example.org>\r\nReferences: <first@example.org>\r\nX-Number: ${number}\r\n`,
            `Thought number ${number}.`,
          ).replace('<Plans@example.org>', `<plans-${number}@example.org>`),
          { folder: 'Talk', flags: SEEN, at: 1_790_000_000 + number },
        );
    });
  });
  after(() => web?.stop());

  test('a folder is made, renamed by key, and deleted after a question', async () => {
    const visit = await web.visit({ user: 0, path: '/mail' });
    const words = await visit.words('mail');
    const { page } = visit;
    await page.getByRole('button', { name: words('folder.create') }).click();
    await page.getByRole('dialog').getByRole('textbox').fill('a/b');
    await page.keyboard.press('Enter');
    await page.getByText(words('folder.nameSlash')).waitFor();
    await page.getByRole('dialog').getByRole('textbox').fill('Projects');
    await page.keyboard.press('Enter');
    await folder(visit, 'Projects').click();
    await page.getByRole('heading', { name: 'Projects' }).waitFor();
    await folder(visit, 'Projects').press('F2');
    await page.getByRole('dialog').getByRole('textbox').fill('Ideas');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Ideas' }).waitFor();
    await visit.checkAccessibility('the mail page with a folder chosen');
    await folder(visit, 'Ideas').press('Delete');
    await page
      .getByRole('alertdialog')
      .getByRole('button', { name: words('folder.delete') })
      .click();
    await folder(visit, 'Ideas').waitFor({ state: 'detached' });
    await page.waitForURL(/\/mail\/inbox/);
    await visit.close();
  });

  test('a message is dragged onto a folder, and moved back by typing its name', async () => {
    const visit = await web.visit({ user: 0, path: '/mail' });
    const { page } = visit;
    await row(visit, 'Lunch').dragTo(folder(visit, 'Papers'));
    await row(visit, 'Lunch').waitFor({ state: 'detached' });
    await folder(visit, 'Papers').click();
    await row(visit, 'Lunch').click();
    await page.getByRole('heading', { name: 'Lunch on Friday' }).waitFor();
    await page.keyboard.press('v');
    await page.getByRole('combobox').waitFor();
    await page.keyboard.type('inb');
    await page.keyboard.press('Enter');
    await row(visit, 'Lunch').waitFor({ state: 'detached' });
    await folder(visit, 'Inbox').click();
    await row(visit, 'Lunch').waitFor();
    await visit.close();
  });

  test('words and operators find through all folders; the address keeps the search', async () => {
    const visit = await web.visit({ user: 0, path: '/mail' });
    const words = await visit.words('mail');
    const { page } = visit;
    await row(visit, 'Contract').waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('zebra');
    await page.keyboard.press('Enter');
    await row(visit, 'Contract').waitFor();
    await row(visit, 'Lunch').waitFor({ state: 'detached' });
    await page.getByRole('searchbox').fill('from:cyd OR subject:lunch');
    await page.keyboard.press('Enter');
    await row(visit, 'Old news').waitFor();
    await row(visit, 'Lunch').waitFor();
    await page.reload();
    await row(visit, 'Old news').waitFor();
    await page.getByRole('searchbox').fill('nothing has this word');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: words('list.notFound') }).waitFor();
    await visit.close();
  });

  test('a conversation opens at its newest message; older ones are folded until they are wanted', async () => {
    const visit = await web.visit({ user: 0, path: '/mail' });
    const words = await visit.words('mail');
    const { page } = visit;
    await folder(visit, 'Talk').click();
    await row(visit, 'Plans').click();
    await page.frameLocator('iframe').getByText('Thought number 7.').waitFor();
    const articles = page.getByRole('article');
    assert.equal(await articles.count(), 3);
    await page.getByRole('button', { name: /4 older messages/ }).click();
    assert.equal(await articles.count(), 7);
    await visit.screenshots('mail-reading');
    await page.getByRole('button', { name: words('reading.messageMenu') }).click();
    await page.getByRole('menuitem', { name: words('reading.headers') }).click();
    await page.getByText('X-Number: 7').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: words('reading.messageMenu') }).click();
    await page.getByRole('menuitem', { name: words('reading.source') }).click();
    await page.getByText('Thought number 7.').first().waitFor();
    await visit.close();
  });

  test('what is open counts as read after a moment', async () => {
    const visit = await web.visit({ user: 0, path: '/mail' });
    await row(visit, 'Contract').click();
    await visit.page.getByRole('treeitem', { name: /^Inbox$/ }).waitFor();
    await visit.close();
    const unseen = await web.inMailbox(0, (mailbox) =>
      Promise.resolve(mailbox.folders().find(({ specialUse }) => specialUse === 'inbox')?.unseen),
    );
    assert.equal(unseen, 0);
  });

  test('on a telephone: list, message and folders one after the other, in Spanish', async () => {
    const visit = await web.visit({ user: 0, path: '/mail', width: 390, language: 'es' });
    const words = await visit.words('mail');
    const { page } = visit;
    await row(visit, 'Lunch').click();
    await page.getByRole('heading', { name: 'Lunch on Friday' }).waitFor();
    assert.equal(await page.getByRole('grid').count(), 0);
    await page.getByRole('button', { name: words('reading.back') }).click();
    await row(visit, 'Lunch').waitFor();
    await page.getByRole('button', { name: words('panes.folders') }).click();
    await page.getByRole('treeitem', { name: 'Talk' }).click();
    await row(visit, 'Plans').waitFor();
    assert.equal(await page.getByRole('tree').count(), 0);
    assert.equal(await page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth'), true);
    await visit.checkAccessibility('the list on a telephone');
    await visit.close();
  });
});
