/**
 * Settings for POP or IMAP access in the browser (issue 5, Must show 2): nothing at first, the values within a second
 * of the admin's three lines and without a reload, a test that passes and fails with the sentence that is true.
 */
import assert from 'node:assert/strict';
import type { LookupFunction } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { Locator } from 'playwright-core';
import { ShellSession } from '../../src/cli/shell/session.ts';
import { controlSocketPath } from '../../src/config/data-directory.ts';
import { defaultConfiguration } from '../../src/config/read.ts';
import { doorOverSocket } from '../../src/management/door-client.ts';
import { MemoryConsole } from '../shell/fake-door.ts';
import { webMissing } from './support/browser.ts';
import type { Visit } from './support/visit.ts';
import { startWeb, type Web } from './support/web.ts';

/** The second certificate covers it; nobody resolves it but the server under test. */
const HOST = 'dublin01.example.test';
/** What the admin types counts after so long. */
const WITHIN_MS = 1_000;
const PATH = '/settings/mail/pop-imap';

const lookup: LookupFunction = (_name, options, callback) => {
  if (options.all === true) callback(null, [{ address: '127.0.0.1', family: 4 }]);
  else callback(null, '127.0.0.1', 4);
};

describe('settings for POP or IMAP access', { skip: webMissing() }, () => {
  let web: Web;
  let shell: ShellSession;
  before(async () => {
    web = await startWeb({ users: ['alice', 'bob', 'sales'], furtherCertificate: [HOST], lookup });
    const socket = controlSocketPath(web.organization.layout, defaultConfiguration().control.socket);
    shell = await ShellSession.open({
      door: doorOverSocket(socket, { user: 'local:test', via: 'shell' }),
      console: new MemoryConsole(),
      serverName: web.organization.server.name,
      history: () => [],
      read: () => Promise.resolve(''),
      confirm: () => Promise.resolve('yes'),
    });
    await type('Set-PopSettings -InternalConnectionSettings $null');
    await type('Set-ImapSettings -InternalConnectionSettings $null');
  });
  after(() => web?.stop());

  async function type(line: string): Promise<void> {
    await shell.run(line, new AbortController().signal);
    await web.organization.running.settled();
  }
  const block = (visit: Visit, protocol: string, side: 'external' | 'internal'): Locator =>
    visit.page.getByTestId(`${protocol}-${side}`);
  const publishAll = async (host = HOST): Promise<void> => {
    const { imap, pop3 } = web.organization;
    await type(`Set-PopSettings -ExternalConnectionSettings ${host}:${pop3.tls}:SSL`);
    await type(`Set-ImapSettings -ExternalConnectionSettings ${host}:${imap.tls}:SSL`);
    await type(`Set-ReceiveConnector "Client Frontend TEST" -AdvertiseClientSettings $true -Fqdn ${host}`);
  };

  test('by mouse from My account: not available, then the values of three lines, without a reload', async (t) => {
    const visit = await web.visit({ user: 0, path: '/settings' });
    const { page } = visit;
    const words = await visit.words('settings');
    await page.getByRole('link', { name: words('topic.popImapUnderAccount') }).click();
    await page.getByRole('heading', { name: words('topic.popImapUnderAccount'), level: 1 }).waitFor();
    for (const protocol of ['pop', 'imap', 'smtp'])
      for (const side of ['external', 'internal'] as const)
        await block(visit, protocol, side).getByText(words('client.notAvailable')).waitFor();
    assert.equal(await page.getByRole('button', { name: words('test.button') }).isDisabled(), true);
    await visit.checkAccessibility('the settings page with nothing available');
    await visit.screenshots('settings-not-available');
    await page.evaluate("globalThis.sameDocument = 'yes'");
    for (const [line, protocol, port] of [
      ['Set-POPSettings -ExternalConnectionSetting {Dublin01.Contoso.com:995:SSL}', 'pop', '995'],
      ['Set-ImapSettings -ExternalConnectionSetting {Dublin01.Contoso.com:993:SSL}', 'imap', '993'],
      [
        'Set-ReceiveConnector "Client Frontend TEST" -AdvertiseClientSettings $True -FQDN Dublin01.Contoso.com',
        'smtp',
        String(web.organization.smtp.submission),
      ],
    ] as const) {
      const began = performance.now();
      await shell.run(line, new AbortController().signal);
      await block(visit, protocol, 'external').getByText('Dublin01.Contoso.com').waitFor();
      const took = performance.now() - began;
      t.diagnostic(`${protocol}: shown ${Math.round(took)} ms after the line was typed`);
      assert.ok(took < WITHIN_MS, `${protocol} took ${took} ms`);
      await block(visit, protocol, 'external').getByText(port, { exact: true }).waitFor();
    }
    assert.equal(await page.evaluate<string>('globalThis.sameDocument'), 'yes');
    await visit.checkAccessibility('the settings page');
    await visit.screenshots('settings');
    await visit.close();
  });

  test('SSL is preferred, the other ways are one click away; values and user name can be copied', async () => {
    await type('Set-ImapSettings -ExternalConnectionSettings mail.contoso.com:143:TLS,mail.contoso.com:993:SSL');
    await type('Add-MailboxPermission sales -User bob -AccessRights FullAccess');
    const visit = await web.visit({ user: 1, path: PATH });
    const { page } = visit;
    const words = await visit.words('settings');
    const imap = block(visit, 'imap', 'external');
    await imap.getByText('993', { exact: true }).waitFor();
    assert.equal(await imap.getByText('143', { exact: true }).count(), 0);
    await imap.getByRole('button', { expanded: false }).click();
    await imap.getByText('143', { exact: true }).waitFor();
    await imap
      .getByRole('button', { name: words('client.copyServer').replace('{{host}}', 'mail.contoso.com') })
      .first()
      .click();
    assert.equal(await page.evaluate<string>('navigator.clipboard.readText()'), 'mail.contoso.com');
    await page.getByText('bob@example.test/sales').waitFor();
    await page
      .getByRole('button', { name: words('client.userName.copy').replace('{{name}}', 'bob@example.test/sales') })
      .click();
    assert.equal(await page.evaluate<string>('navigator.clipboard.readText()'), 'bob@example.test/sales');
    await visit.checkAccessibility('the settings page with alternatives');
    await visit.close();
  });

  test('whether it is on for this person and runs, as it changes', async () => {
    const visit = await web.visit({ user: 0, path: PATH });
    const words = await visit.words('settings');
    const status = visit.page.getByTestId('imap-status');
    await status.getByText(words('client.status.on')).waitFor();
    await type('Set-CASMailbox alice -ImapEnabled $false -Confirm:$false');
    await status.getByText(words('client.status.refused.protocol-disabled')).waitFor();
    await type('Set-CASMailbox alice -ImapEnabled $true');
    await type('Stop-Service imap4-backend -Only -Confirm:$false');
    await status.getByText(words('client.status.state.back-end-stopped')).waitFor();
    await visit.screenshots('settings-not-running');
    await type('Start-Service imap4-backend -Only');
    await status.getByText(words('client.status.state.back-end-stopped')).waitFor({ state: 'detached' });
    await visit.close();
  });

  test('Test my settings, by keyboard: passes, and fails with the right sentence', async () => {
    await publishAll();
    const visit = await web.visit({ user: 0, path: PATH });
    const { page } = visit;
    const words = await visit.words('settings');
    const sentence = (key: string, host = HOST): string =>
      words(key)
        .replaceAll('{{host}}', host)
        .replaceAll('{{protocol}}', words('test.protocol.imap'))
        .replaceAll('{{names}}', HOST);
    const imap = page.getByTestId('test-imap');
    const run = async (): Promise<void> => {
      await page.getByRole('button', { name: words('test.button') }).press('Enter');
      await page.getByLabel(words('test.password'), { exact: true }).focus();
      await page.keyboard.type(web.organization.user(0).password);
      await page.keyboard.press('Enter');
    };
    const leave = async (): Promise<void> => {
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
    };

    await run();
    for (const protocol of ['pop', 'imap', 'smtp'])
      await page.getByTestId(`test-${protocol}`).getByText(words('test.passed')).waitFor();
    await imap.getByText(sentence('test.step.tlsOwn')).waitFor();
    await visit.checkAccessibility('Test my settings');
    await visit.screenshots('settings-test-passed');
    await leave();

    await type('Stop-Service imap4-backend -Only -Confirm:$false');
    await run();
    await imap.getByText(sentence('test.fault.backEndStopped')).waitFor();
    await page.getByTestId('test-pop').getByText(words('test.passed')).waitFor();
    await leave();
    await type('Start-Service imap4-backend -Only');

    await type('Set-CASMailbox alice -ImapEnabled $false -Confirm:$false');
    await run();
    await imap.getByText(sentence('test.fault.protocolDisabled')).waitFor();
    await leave();
    await type('Set-CASMailbox alice -ImapEnabled $true');

    await type(`Set-ImapSettings -ExternalConnectionSettings mail.contoso.com:${web.organization.imap.tls}:SSL`);
    await block(visit, 'imap', 'external').getByText('mail.contoso.com').waitFor();
    await run();
    await imap.getByText(sentence('test.fault.certificateName', 'mail.contoso.com')).waitFor();
    await visit.screenshots('settings-test-failed');
    await leave();
    await visit.close();
  });

  test('a wrong password is said', async () => {
    await publishAll();
    const visit = await web.visit({ user: 1, path: PATH });
    const { page } = visit;
    const words = await visit.words('settings');
    await page.getByRole('button', { name: words('test.button') }).click();
    await page.getByLabel(words('test.password'), { exact: true }).fill('not it');
    await page.getByRole('button', { name: words('test.start') }).click();
    await page.getByTestId('test-imap').getByText(words('test.fault.wrongPassword')).waitFor();
    await visit.close();
  });

  test('in Spanish, dark, on a telephone: nothing is wider than the screen', async () => {
    const visit = await web.visit({ user: 0, path: PATH, language: 'es', width: 390, scheme: 'dark' });
    const words = await visit.words('settings');
    await visit.page.getByRole('heading', { name: words('client.block.imap') }).waitFor();
    assert.equal(await visit.page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth'), true);
    await visit.checkAccessibility('the settings page in Spanish');
    await visit.close();
  });
});
