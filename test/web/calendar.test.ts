/** The calendar in the browser (Must show 7): an invitation from mail to answer, events by keyboard, days by keys. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { after, before, describe, test } from 'node:test';
import { createTransport } from 'nodemailer';
import { corpusMessages, corpusMissing } from '../support/corpus.ts';
import { webMissing } from './support/browser.ts';
import { mailWithSubject } from './support/mail-by-imap.ts';
import { startWeb, type Web } from './support/web.ts';

/** The zone of every visit (support/visit.ts). */
const today = (): string => new Intl.DateTimeFormat('en-CA', { timeZone: 'Europe/Dublin' }).format(new Date());
const longDay = (day: string): string =>
  new Intl.DateTimeFormat('en', {
    timeZone: 'UTC',
    weekday: 'long',
    year: 'numeric',
    month: 'long',
    day: 'numeric',
  }).format(Date.parse(day));
const addDays = (day: string, days: number): string =>
  new Date(Date.parse(day) + days * 86_400_000).toISOString().slice(0, 10);

/** An invitation of the corpus as it is, but for today and between these two. */
function invitation(organizer: string, invited: string): Buffer {
  for (const { name, bytes } of corpusMessages()) {
    if (!name.endsWith('__data__single-event.eml')) continue;
    const text = bytes.toString('latin1');
    assert.match(text, /METHOD:REQUEST/);
    return Buffer.from(
      text
        .replaceAll('20220316T', `${today().replaceAll('-', '')}T`)
        .replaceAll('sender@example.com', organizer)
        .replaceAll('receiver@example.com', invited),
      'latin1',
    );
  }
  return assert.fail('the corpus has no single-event');
}

describe('the calendar', { skip: webMissing() }, () => {
  let web: Web;
  before(async () => {
    web = await startWeb({ users: ['alice', 'bob'] });
  });
  after(() => web?.stop());

  test('an invitation by SMTP is tentative, a click accepts it, its organizer is told', {
    skip: corpusMissing(),
  }, async () => {
    const [alice, bob] = [web.organization.user(0), web.organization.user(1)];
    const transport = createTransport({
      host: web.organization.host,
      port: web.organization.smtp.inbound,
      ignoreTLS: true,
    });
    await transport.sendMail({
      envelope: { from: bob.address, to: alice.address },
      raw: invitation(bob.address, alice.address),
    });
    transport.close();
    await web.organization.running.settled();

    const visit = await web.visit({ user: 0, path: '/calendar' });
    const { page } = visit;
    const words = await visit.words('calendar');
    const chip = page.getByRole('gridcell').getByRole('button', { name: /Single Event/ });
    await chip.waitFor();
    assert.match((await chip.textContent()) ?? '', new RegExp(`, ${words('status.tentative')}$`));

    await page.goto('/mail');
    await page
      .getByRole('row', { name: /Single Event/ })
      .first()
      .click();
    const card = page.getByRole('region', { name: words('invitation') });
    await card.getByRole('heading', { name: 'Single Event' }).waitFor();
    await card.getByText('Somewhere').waitFor();
    await visit.checkAccessibility('the invitation', `section[aria-label="${words('invitation')}"]`);
    await visit.screenshots('calendar-invitation');
    await card.getByRole('textbox', { name: words('comment') }).fill('See you there');
    await card.getByRole('button', { name: words('answer.accepted'), exact: true }).click();
    await page.getByText(words('answered.accepted')).waitFor();
    await card.getByRole('button', { name: words('answer.accepted'), exact: true, pressed: true }).waitFor();

    const reply = await mailWithSubject(web, bob, 'INBOX', 'Accepted: Single Event');
    const answer = reply.parts.find(({ type }) => type === 'text/calendar')?.content.toString('utf8') ?? '';
    const unfolded = answer.replaceAll(/\r?\n[ \t]/g, '');
    assert.match(unfolded, /^METHOD:REPLY\r?$/m);
    assert.match(
      unfolded,
      new RegExp(`^ATTENDEE;(?=[^\\r\\n]*PARTSTAT=ACCEPTED)[^\\r\\n]*:mailto:${alice.address}\\r?$`, 'im'),
    );
    assert.match(unfolded, /^COMMENT[^:\r\n]*:See you there\r?$/m);

    const link = await card.getByRole('link', { name: words('openInCalendar') }).getAttribute('href');
    assert.match(link ?? '', /^\/calendar\/item\/[\w-]{22}$/);
    await page.goto(link ?? '');
    await page.getByRole('heading', { name: 'Single Event' }).waitFor();
    await page.getByRole('button', { name: words('answer.accepted'), exact: true, pressed: true }).waitFor();
    await visit.checkAccessibility('an item by its link', 'main');
    await visit.screenshots('calendar-item');
    await page.goto('/calendar');
    await chip.waitFor();
    assert.doesNotMatch((await chip.textContent()) ?? '', new RegExp(words('status.tentative')));
    await visit.close();
  });

  test('an unknown item says so, and leads to the calendar', async () => {
    const visit = await web.visit({ user: 1, path: '/calendar/item/AAAAAAAAAAAAAAAAAAAAAA' });
    const words = await visit.words('calendar');
    await visit.page.getByText(words('noItem')).waitFor();
    await visit.page.getByRole('button', { name: words('toCalendar') }).click();
    await visit.page.getByRole('grid').waitFor();
    await visit.close();
  });

  test('by keyboard alone: an event is made, days and views are gone through', async () => {
    const visit = await web.visit({ user: 1, path: '/calendar' });
    const { page } = visit;
    const words = await visit.words('calendar');
    await page.getByRole('grid').waitFor();
    await visit.checkAccessibility('the month', 'main');
    await page.keyboard.press('n');
    const form = page.getByRole('dialog', { name: words('newEvent') });
    await form.getByRole('textbox', { name: words('title') }).waitFor();
    await visit.checkAccessibility('the form of an event', '[role=dialog]');
    await visit.screenshots('calendar-form');
    await page.keyboard.type('Standup by keys');
    await page.keyboard.press('Enter');
    await form.waitFor({ state: 'detached' });
    await page
      .getByRole('gridcell', { name: longDay(today()) })
      .getByRole('button', { name: /Standup by keys/ })
      .waitFor();
    await visit.screenshots('calendar-month');

    // Each key is waited for by what it shows.
    const chosen = (day: string) => page.getByRole('gridcell', { name: longDay(day), selected: true }).waitFor();
    await page.keyboard.press('ArrowRight');
    await chosen(addDays(today(), 1));
    await page.keyboard.press('ArrowDown');
    await chosen(addDays(today(), 8));
    await page.keyboard.press('t');
    await chosen(today());
    await page.keyboard.press('w');
    await page.getByRole('button', { name: words('views.week'), pressed: true }).waitFor();
    await page.getByRole('button', { name: /Standup by keys/ }).waitFor();
    await visit.checkAccessibility('the week', 'main');
    await visit.screenshots('calendar-week');
    await page.keyboard.press('PageDown');
    await chosen(addDays(today(), 7));
    await page.getByRole('button', { name: /Standup by keys/ }).waitFor({ state: 'detached' });
    await page.keyboard.press('d');
    await page.getByRole('heading', { name: longDay(addDays(today(), 7)) }).waitFor();
    await visit.checkAccessibility('the day', 'main');
    await page.keyboard.press('PageUp');
    await page.getByRole('heading', { name: longDay(addDays(today(), 6)) }).waitFor();
    await page.keyboard.press('m');
    await page.getByRole('button', { name: words('views.month'), pressed: true }).waitFor();
    await page.keyboard.press('t');
    await chosen(today());
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: words('views.day'), pressed: true }).waitFor();
    await visit.close();
  });
});
