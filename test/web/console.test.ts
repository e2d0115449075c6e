/** The console of administrators (issue 5, §6): what it shows, asks and does; and that a user sees nothing of it. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { webMissing } from './support/browser.ts';
import { startWeb, type Web } from './support/web.ts';

const PAGES = ['mailboxes', 'services', 'pop', 'imap', 'connectors', 'sessions', 'health', 'audit'] as const;

describe('the console', { skip: webMissing() }, () => {
  let web: Web;
  before(async () => {
    web = await startWeb({ users: ['alice', 'bob'] });
  });
  after(() => web?.stop());

  const line = (page: Page, text: string) => page.getByText(text, { exact: true });

  test('a user sees nothing of it: no link, no page, no script of it', async () => {
    const visit = await web.visit({ user: 0 });
    const { page } = visit;
    const words = await visit.words('app');
    const scripts: string[] = [];
    page.on('request', (request) => scripts.push(new URL(request.url()).pathname));
    assert.equal(await page.getByRole('link', { name: words('nav.admin') }).count(), 0);
    await page.goto('/console/mailboxes');
    await page.getByRole('heading', { name: words('notFound.title') }).waitFor();
    assert.deepEqual(
      scripts.filter((path) => path.includes('admin')),
      [],
    );
    await visit.close();
  });

  test('every page is there for an administrator, with the cmdlet that does the same', async () => {
    const visit = await web.visit({ user: 'administrator', path: '/console' });
    const { page } = visit;
    const words = await visit.words('admin');
    for (const name of PAGES) {
      await page.getByRole('link', { name: words(`nav.${name}`), exact: true }).click();
      await page.getByRole('heading', { name: words(`${name}.title`), level: 1 }).waitFor();
      await page
        .getByRole('group', { name: words('line') })
        .first()
        .waitFor();
      await visit.checkAccessibility(`the console, ${name}`);
      await visit.screenshots(`console-${name}`);
    }
    await visit.close();
  });

  test('a mailbox is made, its password told once; POP is turned off for it; all of it is in the audit log', async () => {
    const visit = await web.visit({ user: 'administrator', path: '/console/mailboxes' });
    const { page } = visit;
    const words = await visit.words('admin');
    await page.getByRole('button', { name: words('mailboxes.new') }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel(words('mailboxes.name'), { exact: true }).fill('Eve Example');
    await dialog.getByLabel(words('mailboxes.address'), { exact: true }).fill('eve@example.test');
    await dialog.getByRole('button', { name: words('form.review') }).click();
    await line(
      page,
      "New-Mailbox -Name 'Eve Example' -PrimarySmtpAddress eve@example.test -GeneratePassword",
    ).waitFor();
    await dialog.getByRole('button', { name: words('mailboxes.make') }).click();
    const password = (await page.getByTestId('made-password').textContent()) ?? '';
    assert.ok(password.length >= 8);
    await page.getByRole('button', { name: words('mailboxes.passwordNoted') }).click();

    await page.getByLabel(words('mailboxes.search')).fill('eve');
    await page.getByText("PrimarySmtpAddress -like ''*eve*''").waitFor();
    await page.getByText('bob@example.test').waitFor({ state: 'detached' });
    const pop = page.getByRole('switch', {
      name: words('mailboxes.accessOf').replace('{{what}}', 'POP').replace('{{name}}', 'Eve Example'),
    });
    await pop.focus();
    await page.keyboard.press('Space');
    const { directory } = web.organization;
    const eve = await directory.accountByLogonName('eve@example.test');
    assert.ok(eve !== null);
    await page.getByText(words('done')).first().waitFor();
    assert.equal((await directory.clientAccess(eve.id)).popEnabled, false);

    await page.getByRole('link', { name: words('nav.audit') }).click();
    await page.getByRole('cell', { name: 'New-Mailbox' }).first().waitFor();
    await page.getByRole('cell', { name: 'Set-CASMailbox' }).first().waitFor();
    const log = await directory.auditLog({ limit: 20 });
    assert.ok(log.filter(({ actor }) => actor.command === 'Set-CASMailbox').every(({ actor }) => actor.via === 'web'));
    assert.ok(!JSON.stringify(log).includes(password));
    await visit.close();
  });

  test('what is dangerous is asked about in the words of -WhatIf; no leaves all as it is', async () => {
    const visit = await web.visit({ user: 'administrator', path: '/console/connectors' });
    const { page } = visit;
    const words = await visit.words('admin');
    const { directory } = web.organization;
    const bob = web.organization.user(1).account;
    await page.getByRole('link', { name: words('nav.services') }).click();
    const stop = page.getByRole('button', { name: words('services.stopOf').replace('{{name}}', 'web') });
    await stop.click();
    const question = page.getByRole('alertdialog');
    await question.getByText('Stop-Service -Name web -Server TEST').waitFor();
    await visit.checkAccessibility('the question before a dangerous change');
    await visit.screenshots('console-question');
    await question.getByRole('button', { name: words('question.no') }).click();
    await question.waitFor({ state: 'detached' });
    const state = (await directory.services(web.organization.server.id)).find(({ service }) => service === 'web');
    assert.equal(state?.running, true);
    assert.equal((await directory.clientAccess(bob.id)).owaEnabled, true);
    await visit.close();
  });

  test('a service is stopped and started; another administrator sees it without asking', async () => {
    const visit = await web.visit({ user: 'administrator', path: '/console/services' });
    const other = await web.visit({ user: 'administrator', path: '/console/services' });
    const words = await visit.words('admin');
    const named = (key: string) => words(key).replace('{{name}}', 'pop3-backend');
    await other.page.getByRole('button', { name: named('services.stopOf'), exact: true }).waitFor();
    await visit.page.getByRole('button', { name: named('services.stopOf'), exact: true }).click();
    await visit.page.getByRole('button', { name: words('question.yes') }).click();
    await other.page.getByRole('button', { name: named('services.startOf'), exact: true }).waitFor();
    await other.page.getByRole('button', { name: named('services.startOf'), exact: true }).click();
    await visit.page.getByRole('button', { name: named('services.stopOf'), exact: true }).waitFor();
    await visit.close();
    await other.close();
  });

  test('the form of POP settings sends what was changed; what cannot be is said in the words of the cmdlet', async () => {
    const visit = await web.visit({ user: 'administrator', path: '/console/pop' });
    const { page } = visit;
    const words = await visit.words('admin');
    const review = page.getByRole('button', { name: words('form.review') });
    const most = page.getByLabel('MaxConnectionsPerUser', { exact: true });
    await most.fill('0');
    await review.click();
    await page.getByRole('alert').getByText('MaxConnectionsPerUser must be 1–2147483647').waitFor();
    await most.fill('12');
    await page.getByLabel('ExternalConnectionSettings', { exact: true }).fill('pop.example.test:995:SSL');
    await review.click();
    await page
      .getByRole('dialog')
      .getByText(
        'Set-PopSettings -Server TEST -ExternalConnectionSettings pop.example.test:995:SSL -MaxConnectionsPerUser 12',
      )
      .waitFor();
    await visit.screenshots('console-review');
    await page.getByRole('button', { name: words('form.apply') }).click();
    await page.getByText(words('done')).first().waitFor();
    const { directory, server } = web.organization;
    const settings = await directory.popSettings(server.id);
    assert.deepEqual(
      [settings.maxConnectionsPerUser, settings.externalConnectionSettings],
      [12, [{ host: 'pop.example.test', port: 995, encryption: 'SSL' }]],
    );
    await visit.close();
  });
});
