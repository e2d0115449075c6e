/** The frame that shows a message: as high as what is in it, quoted ends to open, links that say where they lead. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { webMissing } from './support/browser.ts';
import { startWeb, type Web } from './support/web.ts';

const html = (subject: string, body: string): string =>
  `From: Ann <ann@example.test>\r\nSubject: ${subject}\r\nContent-Type: text/html; charset=utf-8\r\n\r\n${body}\r\n`;
const SENTENCE = 'Words that wrap once more or once less, depending on how wide the pane is just now. ';

/** How much of the message stands out of the frame below; 0 or less: all of it is seen. */
const HIDDEN = `(() => {
  const frame = document.querySelector('iframe[data-filled]');
  // Another layout of the page makes another frame.
  if (frame === null) return 1;
  const last = frame.contentDocument.querySelector('#m-last').getBoundingClientRect();
  return Math.ceil(last.bottom - frame.clientHeight);
})()`;

describe('the frame of a message', { skip: webMissing() }, () => {
  let web: Web;
  before(async () => {
    web = await startWeb({ users: ['alice'] });
  });
  after(() => web?.stop());

  async function open(page: Page, message: string): Promise<void> {
    const id = await web.inMailbox(0, async (mailbox, append) => {
      const uid = await append(message);
      const inbox = mailbox.folderByName('INBOX');
      assert.ok(inbox);
      const view = await mailbox.view(inbox.id);
      const content = view.columns.content[view.rowOf(uid)];
      view.close();
      return `M${content}`;
    });
    await page.goto(`/mail/inbox/${id}`);
    await page.locator('iframe[data-filled]').waitFor();
  }

  test('shows all of it at any width, also when the width changes', async () => {
    const visit = await web.visit({ user: 0 });
    const { page } = visit;
    await open(page, html('long', `${`<p>${SENTENCE.repeat(3)}</p>`.repeat(12)}<p id="last">${SENTENCE}</p>`));
    for (const width of [1440, 1311, 1180, 1024, 873, 640, 390]) {
      await page.setViewportSize({ width, height: 900 });
      await visit.until(`${HIDDEN} <= 0`);
    }
    await visit.close();
  });

  test('mail that is wider than the window is made smaller', async () => {
    const visit = await web.visit({ user: 0, width: 390 });
    const { page } = visit;
    await open(page, html('wide', '<table width="700"><tr><td id="last" width="700">wide</td></tr></table>'));
    await visit.until(`(() => {
      const { documentElement } = document.querySelector('iframe[data-filled]').contentDocument;
      return documentElement.scrollWidth <= documentElement.clientWidth + 1;
    })()`);
    await visit.close();
  });

  test('what is quoted opens by keyboard and makes room', async () => {
    const visit = await web.visit({ user: 0 });
    const words = await visit.words('message');
    await open(visit.page, html('quoted', '<p>Yes.</p><blockquote type="cite"><p id="last">Well?</p></blockquote>'));
    const frame = visit.page.frameLocator('iframe[data-filled]');
    assert.equal(await frame.getByText('Well?').isVisible(), false);
    await frame.getByLabel(words('showQuoted')).press('Enter');
    await frame.getByText('Well?').waitFor();
    await visit.until(`${HIDDEN} <= 0`);
    await visit.checkAccessibility('a message with what it quotes', 'article');
    await visit.close();
  });

  test('a link with a false face says where it leads, and opens outside of the app', async () => {
    const visit = await web.visit({ user: 0 });
    await open(visit.page, html('false', '<p><a href="https://evil.example/">www.bank.example</a></p>'));
    const frame = visit.page.frameLocator('iframe[data-filled]');
    await frame.getByText('leads to evil.example').waitFor();
    const link = frame.getByRole('link', { name: 'www.bank.example' });
    assert.equal(await link.getAttribute('rel'), 'noopener noreferrer nofollow');
    assert.equal(await link.getAttribute('target'), '_blank');
    await visit.close();
  });

  test('tables look as they were made', async () => {
    const visit = await web.visit({ user: 0 });
    const table =
      '<table width="300" cellpadding="7" border="1" bgcolor="#eeeeee" align="center"><tr><td valign="top" colspan="2" style="color:red">x</td></tr></table>';
    await open(visit.page, html('table', table));
    const shown = await visit.page.evaluate<string>(
      `document.querySelector('iframe[data-filled]').contentDocument.body.innerHTML`,
    );
    for (const kept of [
      'width="300"',
      'cellpadding="7"',
      'border="1"',
      'bgcolor="#eeeeee"',
      'align="center"',
      'valign="top"',
      'colspan="2"',
      'color:red',
    ])
      assert.ok(shown.includes(kept), `${kept} in ${shown}`);
    await visit.close();
  });

  test('light on dark where the sender has no colours, white paper where he has', async () => {
    const visit = await web.visit({ user: 0, scheme: 'dark' });
    const paper = `getComputedStyle(document.querySelector('iframe[data-filled]').contentDocument.documentElement).colorScheme`;
    await open(visit.page, html('plain', '<p style="color:black">plain</p>'));
    assert.equal(await visit.page.evaluate(paper), 'dark');
    await open(visit.page, html('colours', '<p style="color:#123456;background:#ffeecc">colours</p>'));
    assert.equal(await visit.page.evaluate(paper), 'light');
    await visit.close();
  });
});
