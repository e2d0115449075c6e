/**
 * Issue 5, Must show 4: hostile mails opened in the browser, in the reading pane. No script runs, no request leaves the
 * server, by Playwright's eyes and by Chromium's own network log. Then the same HTML with both sanitizers taken away: the
 * frame's policy alone still lets nothing run and nothing out, and reports it.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { SEEN } from '../../src/store/model.ts';
import { corpusMessages, corpusMissing } from '../support/corpus.ts';
import { HOST, hostileMails, VECTORS } from '../support/hostile-mail.ts';
import { webMissing } from './support/browser.ts';
import { startWeb, type Web } from './support/web.ts';

const LEAST_MAILS = 500;
const CORPUS_BYTES = 300_000;
const CORPUS_MAILS = 160;

interface Mail {
  readonly name: string;
  readonly bytes: Buffer;
}

function* fromCorpus(): Iterable<Mail> {
  if (corpusMissing() !== false) return;
  let taken = 0;
  for (const mail of corpusMessages()) {
    if (!/^(phishing-pot|torture)/.test(mail.name) || mail.bytes.length > CORPUS_BYTES) continue;
    if (!/text\/html/i.test(mail.bytes.toString('latin1'))) continue;
    yield mail;
    taken += 1;
    if (taken === CORPUS_MAILS) return;
  }
}

/** Opened in one go: what the page then says of them is little, and each takes a moment only. */
const AT_A_TIME = 40;

/**
 * In the page: opens one message after the other without loading the app anew, waits until its frame is filled, and
 * tells which frames hold what DOMPurify may not have left.
 */
const openAll = (ids: readonly string[]): string => `(async (ids) => {
  const turn = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const until = async (isSo) => {
    const end = performance.now() + 60_000;
    while (!isSo()) {
      if (performance.now() > end) throw new Error('waited in vain at ' + location.pathname + ': ' + document.body.innerText.slice(-500));
      await turn();
    }
  };
  const acts = (element) =>
    ['SCRIPT', 'IFRAME', 'OBJECT', 'EMBED', 'FORM', 'BASE', 'LINK', 'META', 'SVG', 'MATH', 'INPUT'].includes(element.tagName.toUpperCase()) ||
    [...element.attributes].some(({ name, value }) => name.startsWith('on') || /^\\s*(javascript|vbscript):/i.test(value));
  const problems = [];
  for (const id of ids) {
    history.pushState(null, '', '/mail/inbox/' + id);
    // A message of nothing but an attack is an empty frame.
    await until(() => document.querySelector('iframe[data-filled]') !== null);
    for (const frame of document.querySelectorAll('iframe'))
      for (const element of frame.contentDocument.querySelectorAll('body, body *'))
        if (acts(element)) problems.push(id + ': ' + element.outerHTML.slice(0, 200));
    history.pushState(null, '', '/mail/inbox');
    await until(() => document.querySelector('iframe') === null);
  }
  return problems;
})(${JSON.stringify(ids)})`;

const reportsOf = (web: Web): number =>
  web.organization.log.filter(({ text }) => text.startsWith('a browser refused')).length;

/** What scripts that run would show. */
function dialogsOf(page: Page): readonly string[] {
  const dialogs: string[] = [];
  page.on('dialog', (dialog) => {
    dialogs.push(dialog.message());
    void dialog.dismiss();
  });
  return dialogs;
}

const aboutHost = (wanted: readonly string[]): string[] => wanted.filter((address) => address.includes(HOST));

describe('hostile mail in the browser', { skip: webMissing() }, () => {
  let web: Web;
  before(async () => {
    web = await startWeb({ users: ['alice'] });
  });
  after(() => web?.stop());

  test('opened one after the other: no script runs, nothing is fetched', async (t) => {
    const mails: Mail[] = [...hostileMails(), ...fromCorpus()];
    const ids = await web.inMailbox(0, async (mailbox, append) => {
      const found: string[] = [];
      const inbox = mailbox.folderByName('INBOX');
      assert.ok(inbox);
      const view = await mailbox.view(inbox.id);
      for (const { bytes } of mails) {
        const row = view.rowOf(await append(bytes, { flags: SEEN }));
        found.push(`M${view.columns.content[row]}`);
      }
      view.close();
      return found;
    });
    const visit = await web.visit({ user: 0, path: '/mail/inbox' });
    const { page } = visit;
    const dialogs = dialogsOf(page);
    await page.getByRole('navigation').first().waitFor();
    for (let at = 0; at < ids.length; at += AT_A_TIME) {
      const some = ids.slice(at, at + AT_A_TIME);
      const where = `${mails[at]?.name} and those behind it`;
      assert.deepEqual(await page.evaluate<string[]>(openAll(some)), [], where);
      assert.deepEqual(dialogs, [], where);
      assert.deepEqual(visit.foreignRequests, [], where);
    }
    t.diagnostic(`${mails.length} hostile mails opened, ${reportsOf(web)} reports of the browser`);
    if (corpusMissing() === false) assert.ok(mails.length >= LEAST_MAILS, `${mails.length} mails`);
    assert.equal(reportsOf(web), 0, 'the frame had nothing to refuse');
    await visit.close();
  });

  test('Chromium’s own log of the network knows no other host', async () => {
    assert.deepEqual(aboutHost(await web.wantedElsewhere()), []);
  });
});

describe('hostile HTML that no sanitizer has seen', { skip: webMissing() }, () => {
  let web: Web;
  before(async () => {
    web = await startWeb({ users: ['alice'] });
  });
  after(() => web?.stop());

  test('the policy of the frame holds by itself, and browsers report what it refused', async (t) => {
    await web.inMailbox(0, (_, append) => append('Subject: bare\r\nContent-Type: text/html\r\n\r\n<p>bare</p>'));
    const visit = await web.visit({ user: 0, path: '/mail/inbox' });
    const { page } = visit;
    const dialogs = dialogsOf(page);
    await page.getByText('bare').first().click();
    await page.locator('iframe[data-filled]').waitFor();
    // Held on to: some of them take the document's own names for themselves.
    await page.evaluate(`{
      const { contentDocument } = document.querySelector('iframe');
      globalThis.place = contentDocument.body;
      globalThis.range = contentDocument.createRange();
      range.selectNodeContents(place);
    }`);
    const reported = page.waitForResponse('**/csp-report/');
    for (const vector of VECTORS) {
      const html = JSON.stringify(vector);
      // As markup, and as nodes whose scripts are not marked as inert.
      await page.evaluate(`place.innerHTML = ${html}; place.append(range.createContextualFragment(${html}));`);
    }
    assert.ok((await reported).status() < 500);
    assert.deepEqual(dialogs, [], 'no script ran');
    t.diagnostic(
      `${VECTORS.length} vectors as they are: ${visit.violations.length} refusals, ${reportsOf(web)} reports taken`,
    );
    assert.ok(visit.violations.length > 100, 'the browser refused what they wanted');
    assert.ok(reportsOf(web) > 0, 'and the server heard of it');
    await page.context().close();
  });

  test('nothing was asked of another host', async () => {
    const wanted = aboutHost(await web.wantedElsewhere());
    // For a frame within the frame Chromium opens a connection before it looks at the policy, and then does not ask.
    assert.deepEqual(
      wanted.filter((address) => !address.startsWith('preconnect ')),
      [],
    );
  });
});
