/** Writing mail in the browser: what is written arrives as it was, drafts stay, sends can be taken back. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { after, before, describe, test } from 'node:test';
import type { Locator, Page } from 'playwright-core';
import { webMissing } from './support/browser.ts';
import { fieldOf, mailWithSubject } from './support/mail-by-imap.ts';
import { startWeb, type Web } from './support/web.ts';

/** Five by five pixels. */
const PICTURE = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAYAAACNbyblAAAAHElEQVQI12P4//8/w38GIAXDIBKE0DHxgljNBAAO9TXL0Y4OHwAAAABJRU5ErkJggg==',
  'base64',
);
/** All octets, so that no encoding gets by with less. */
const FILE = Buffer.from(Array.from({ length: 70_000 }, (_, at) => (at * 7 + (at >> 8)) % 256));

describe('writing mail', { skip: webMissing() }, () => {
  let web: Web;
  before(async () => {
    web = await startWeb({ users: ['alice', 'bob'] });
  });
  after(() => web?.stop());

  const windowOf = (page: Page): Locator => page.getByRole('dialog').filter({ has: page.getByRole('textbox') });
  const textOf = (page: Page, words: (key: string) => string): Locator =>
    windowOf(page).getByRole('textbox', { name: words('editor.label') });

  test('by mouse: rich text, a picture in it, a file, Bcc; the other mailbox gets every octet', async () => {
    const visit = await web.visit({ user: 0, path: '/mail' });
    const { page } = visit;
    const words = await visit.words('compose');
    const bob = web.organization.user(1);
    await page
      .getByRole('button', { name: (await visit.words('mail'))('compose') })
      .first()
      .click();
    await page.getByRole('combobox', { name: words('fields.to') }).fill(`"Example, Bob" <${bob.address}>,`);
    await page.getByRole('combobox', { name: words('fields.to') }).press('Enter');
    await page.getByRole('button', { name: words('fields.bcc') }).click();
    await page.getByRole('combobox', { name: words('fields.bcc') }).fill(web.organization.user(0).address);
    await page.getByRole('textbox', { name: words('fields.subject') }).fill('Café in three parts');
    const text = textOf(page, words);
    await text.click();
    await page.keyboard.type('Hello Bob,');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: words('tools.bold'), exact: true }).click();
    await page.keyboard.type('naïve');
    await page.getByRole('button', { name: words('tools.bold'), exact: true }).click();
    await page.keyboard.type(' & <plain>');
    await choose(page, words('tools.picture'), { name: 'dot.png', mimeType: 'image/png', buffer: PICTURE });
    await choose(page, words('attachments.add'), {
      name: 'números.bin',
      mimeType: 'application/x-numbers',
      buffer: FILE,
    });
    await windowOf(page).getByRole('link', { name: 'números.bin' }).waitFor();
    await visit.checkAccessibility('the composer', '[role=dialog]');
    await visit.screenshots('compose');
    await page.getByRole('button', { name: words('send.now'), exact: true }).click();
    await page.getByText(words('sent.done')).waitFor();

    const mail = await mailWithSubject(web, bob, 'INBOX', 'three parts');
    assert.equal(
      mail.shape,
      'multipart/mixed(multipart/alternative(text/plain multipart/related(text/html image/png)) application/x-numbers)',
    );
    const [plain, html, picture, file] = mail.parts;
    assert.equal(plain?.content.toString('utf8').replaceAll('\r\n', '\n'), 'Hello Bob,\nnaïve & <plain>[dot.png]\n');
    const cid = picture?.cid?.replaceAll(/[<>]/g, '') ?? '';
    assert.match(
      html?.content.toString('utf8') ?? '',
      new RegExp(`<strong>naïve</strong> &amp; &lt;plain&gt;<img src="cid:${cid}"`),
    );
    assert.deepEqual(picture?.content, PICTURE);
    assert.deepEqual([file?.name, file?.disposition], ['números.bin', 'attachment']);
    assert.deepEqual(file?.content, FILE);
    assert.equal(fieldOf(mail, 'Bcc'), null);
    assert.equal(fieldOf(mail, 'X-Penfold-Answers'), null);
    assert.match(fieldOf(mail, 'To') ?? '', /"Example, Bob" <bob@/);
    const copy = await mailWithSubject(web, web.organization.user(0), 'Sent', 'three parts');
    assert.match(fieldOf(copy, 'Bcc') ?? '', /alice@/);
    assert.ok(!copy.flags.has('\\Draft'), 'the copy in Sent is no draft');
    await visit.close();
  });

  test('by keyboard: a draft survives closing and a new page, and is sent from there', async () => {
    const visit = await web.visit({ user: 0, path: '/mail' });
    const { page } = visit;
    const words = await visit.words('compose');
    await page
      .getByRole('button', { name: (await visit.words('mail'))('compose') })
      .first()
      .press('Enter');
    await page.getByRole('combobox', { name: words('fields.to') }).waitFor();
    await page.keyboard.type(web.organization.user(1).address);
    await page.keyboard.press('Enter');
    await page.keyboard.press('Control+Shift+C');
    await page.keyboard.type(web.organization.user(0).address);
    await page.keyboard.press('Tab');
    await page.getByRole('textbox', { name: words('fields.subject') }).focus();
    await page.keyboard.type('Draft by keys');
    await page.keyboard.press('Tab');
    await page.keyboard.type('First line');
    await page.keyboard.press('Escape');
    await page.getByText(words('draft.kept')).waitFor();
    await page.goto('/mail/drafts');
    await page.getByText('Draft by keys').first().click();
    const text = textOf(page, words);
    await text.waitFor();
    assert.equal((await text.innerText()).trim(), 'First line');
    await text.click();
    await page.keyboard.press('Control+End');
    await page.keyboard.press('Enter');
    await page.keyboard.type('Second line');
    await page.keyboard.press('Control+Enter');
    await page.getByText(words('sent.done')).waitFor();
    const mail = await mailWithSubject(web, web.organization.user(1), 'INBOX', 'by keys');
    assert.match(mail.parts[0]?.content.toString('utf8') ?? '', /^First line\r?\nSecond line\r?\n/);
    assert.match(fieldOf(mail, 'Cc') ?? '', /alice@/);
    await web.inMailbox(0, (mailbox) => {
      assert.equal(mailbox.folderByName('Drafts')?.exists, 0, 'no draft is left');
      return Promise.resolve();
    });
    await visit.close();
  });

  test('a send is taken back: the message is written on, and nobody has got it', async () => {
    const visit = await web.visit({ user: 0, path: '/mail?mailto=mailto:bob@example.test?subject=Taken%2520back' });
    const { page } = visit;
    const words = await visit.words('compose');
    const bob = web.organization.user(1);
    await textOf(page, words).waitFor();
    await page.getByRole('combobox', { name: words('fields.to') }).fill(bob.address);
    await page.getByRole('combobox', { name: words('fields.to') }).press('Enter');
    await page.getByRole('textbox', { name: words('fields.subject') }).fill('Taken back');
    await textOf(page, words).click();
    await page.keyboard.type('Wait');
    await page.keyboard.press('Control+Enter');
    await page.getByRole('button', { name: words('sent.undo'), exact: true }).click();
    await textOf(page, words).waitFor();
    assert.equal((await textOf(page, words).innerText()).trim(), 'Wait');
    const draft = await mailWithSubject(web, web.organization.user(0), 'Drafts', 'Taken back');
    assert.ok(draft.flags.has('\\Draft'));
    await page.keyboard.press('Control+End');
    await page.keyboard.type(' for it');
    await page.keyboard.press('Control+Enter');
    await page.getByText(words('sent.done')).waitFor();
    const mail = await mailWithSubject(web, bob, 'INBOX', 'Taken back');
    assert.match(mail.parts[0]?.content.toString('utf8') ?? '', /^Wait for it/, 'only the second send has gone out');
    await visit.close();
  });

  test('a reply by keyboard: threading, the quote as it was, the original marked', async () => {
    const bob = web.organization.user(1);
    await web.inMailbox(1, (_, append) =>
      append(
        [
          'From: Alice <alice@elsewhere.example>',
          `To: Bob <${bob.address}>`,
          'Subject: Garden plan',
          'Message-ID: <2@elsewhere.example>',
          'References: <0@elsewhere.example> <1@elsewhere.example>',
          `Reply-To: ${web.organization.user(0).address}`,
          'Date: Tue, 01 Dec 2026 10:00:00 +0000',
          'MIME-Version: 1.0',
          'Content-Type: text/html; charset=utf-8',
          '',
          '<table><tr><td style="color:#aa0000">Roses</td></tr></table><img src="https://elsewhere.example/p.png">',
          '',
        ].join('\r\n'),
      ),
    );
    const visit = await web.visit({ user: 1, path: '/mail' });
    const { page } = visit;
    const words = await visit.words('compose');
    await page.getByText('Garden plan').first().click();
    await page.getByRole('heading', { name: 'Garden plan' }).waitFor();
    await page.keyboard.press('r');
    await textOf(page, words).waitFor();
    await page.keyboard.type('Gladly.');
    await page.getByRole('button', { name: words('quote.show') }).press('Enter');
    const quote = page.frameLocator(`iframe[title="${words('quote.label')}"]`);
    await quote.getByRole('cell', { name: 'Roses' }).waitFor();
    await visit.screenshots('compose-reply');
    await textOf(page, words).press('Control+Enter');
    await page.getByText(words('sent.done')).waitFor();
    const mail = await mailWithSubject(web, web.organization.user(0), 'INBOX', 'Re: Garden plan');
    assert.equal(fieldOf(mail, 'In-Reply-To'), '<2@elsewhere.example>');
    assert.deepEqual(fieldOf(mail, 'References')?.match(/<[^>]+>/g), [
      '<0@elsewhere.example>',
      '<1@elsewhere.example>',
      '<2@elsewhere.example>',
    ]);
    const [plain, html] = mail.parts.map(({ content }) => content.toString('utf8').replaceAll('\r\n', '\n'));
    assert.match(plain ?? '', /^Gladly\.\nOn .*Alice <alice@elsewhere\.example> wrote:\n+> Roses/);
    assert.match(html ?? '', /<blockquote type="cite"[^>]*>.*<td style="color:\s?#aa0000[^"]*">Roses<\/td>/s);
    assert.match(html ?? '', /<img src="https:\/\/elsewhere\.example\/p\.png">/);
    const original = await mailWithSubject(web, bob, 'INBOX', 'Garden plan');
    assert.ok(original.flags.has('\\Answered'), 'the original is marked as answered');
    await visit.close();
  });

  test('who cannot get it is named at the field; the text stays', async () => {
    const visit = await web.visit({ user: 0, path: '/mail?mailto=mailto:' });
    const { page } = visit;
    const words = await visit.words('compose');
    const nobody = web.organization.user(1).address.replace('bob@', 'nobody@');
    await page.getByRole('combobox', { name: words('fields.to') }).fill(nobody);
    await page.getByRole('combobox', { name: words('fields.to') }).press('Enter');
    await page.getByRole('textbox', { name: words('fields.subject') }).fill('To nobody');
    await page.keyboard.press('Control+Enter');
    await page.getByRole('alert').filter({ hasText: nobody }).waitFor();
    await textOf(page, words).waitFor();
    await visit.close();
  });
});

async function choose(
  page: Page,
  button: string,
  file: { readonly name: string; readonly mimeType: string; readonly buffer: Buffer },
): Promise<void> {
  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: button, exact: true }).click();
  await (await chooser).setFiles(file);
}
