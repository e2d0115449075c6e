/** One person's browser on the app: what he does, what the browser had to refuse, what it looks like. */
import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import type { TestOrganization, TestUser } from '../../support/organization.ts';

const ROOT = path.resolve(import.meta.dirname, '..', '..', '..');
const SCREENSHOTS = path.join(ROOT, 'docs', 'screenshots');
/** Issue 5, Must show 1. */
export const WIDTHS = [1440, 1024, 390] as const;
export const SCHEMES = ['light', 'dark'] as const;
const HEIGHTS: Readonly<Record<number, number>> = { 1440: 900, 1024: 768, 390: 844 };
const WAIT_MS = 20_000;

export interface VisitOptions {
  /** Index of the test user who signs in through the page; null or missing: nobody yet. */
  readonly user?: number | 'administrator' | null;
  /** Path to begin at. */
  readonly path?: string;
  readonly width?: number;
  readonly scheme?: 'light' | 'dark';
  readonly language?: 'en' | 'es';
}

export interface Place {
  readonly browser: Browser;
  readonly origin: string;
  readonly organization: TestOrganization;
}

export async function openVisit(place: Place, options: VisitOptions): Promise<Visit> {
  const { width = 1440, scheme = 'light', language = 'en' } = options;
  const context = await place.browser.newContext({
    baseURL: place.origin,
    viewport: { width, height: HEIGHTS[width] ?? 900 },
    colorScheme: scheme,
    locale: language === 'en' ? 'en-IE' : 'es-ES',
    timezoneId: 'Europe/Dublin',
    reducedMotion: 'reduce',
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  context.setDefaultTimeout(WAIT_MS);
  const visit = new Visit(place, context, await context.newPage(), language);
  if (options.user === undefined || options.user === null) {
    await visit.page.goto(options.path ?? '/');
    return visit;
  }
  await visit.signIn(options.user);
  if (options.path !== undefined) await visit.page.goto(options.path);
  return visit;
}

export class Visit {
  readonly page: Page;
  readonly #place: Place;
  readonly #context: BrowserContext;
  readonly #language: 'en' | 'es';
  /** Addresses of requests that went to another origin, blocked or not. */
  readonly foreignRequests: string[] = [];
  /** What the browser refused because of a Content Security Policy. */
  readonly violations: string[] = [];
  readonly errors: string[] = [];

  constructor(place: Place, context: BrowserContext, page: Page, language: 'en' | 'es') {
    this.#place = place;
    this.#context = context;
    this.#language = language;
    this.page = page;
    context.on('request', (request) => {
      const url = new URL(request.url());
      if (/^(?:https?|wss?):$/.test(url.protocol) && url.host !== new URL(place.origin).host)
        this.foreignRequests.push(url.href);
    });
    context.on('console', (message) => {
      const text = message.text();
      if (/Content Security Policy|TrustedHTML|Trusted Type/i.test(text)) this.violations.push(text);
    });
    context.on('weberror', (error) => this.errors.push(error.error().stack ?? error.error().message));
  }

  /** A further tab of the same browser. */
  newPage(): Promise<Page> {
    return this.#context.newPage();
  }

  async signIn(who: number | 'administrator' = 0): Promise<TestUser | TestOrganization['administrator']> {
    const { organization } = this.#place;
    const person = who === 'administrator' ? organization.administrator : organization.user(who);
    const words = await this.words('app');
    await this.page.goto('/');
    await this.page.getByLabel(words('signIn.user'), { exact: true }).fill(person.address);
    await this.page.getByLabel(words('signIn.password'), { exact: true }).fill(person.password);
    await this.page.getByRole('button', { name: words('signIn.button'), exact: true }).click();
    await this.page.getByRole('navigation').first().waitFor();
    return person;
  }

  /** Words of a page in the language of this visit: tests name what people read without writing it again. */
  async words(namespace: string): Promise<(key: string) => string> {
    const file = path.join(ROOT, 'webapp', 'language', this.#language, `${namespace}.json`);
    const words: unknown = JSON.parse(await readFile(file, 'utf8'));
    return (key) => {
      const word = key
        .split('.')
        .reduce<unknown>(
          (at, name) => (typeof at === 'object' && at !== null ? Reflect.get(at, name) : undefined),
          words,
        );
      assert.ok(typeof word === 'string', `there is a word ${namespace}:${key}`);
      return word;
    };
  }

  /** Waits until an expression in the page is true. (Playwright's own way needs `eval`, which the app's policy refuses.) */
  async until(expression: string): Promise<void> {
    const end = performance.now() + WAIT_MS;
    while (!(await this.page.evaluate<boolean>(`Boolean(${expression})`))) {
      if (performance.now() > end) throw new Error(`never became true in the page: ${expression}`);
      await this.page.evaluate('new Promise((resolve) => requestAnimationFrame(resolve))');
    }
  }

  /** axe-core finds nothing serious or critical (Must show 5). `at` names the page, or the part of it, in the failure. */
  async checkAccessibility(at: string, part?: string): Promise<void> {
    // Frames with mail run no script, so axe neither; without this it waits for them in vain.
    const axe = new AxeBuilder({ page: this.page }).setLegacyMode();
    const { violations } = await (part === undefined ? axe : axe.include(part)).analyze();
    const grave = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    assert.deepEqual(
      grave.map(
        ({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join(' | ')}`,
      ),
      [],
      `${at} has no serious accessibility problem`,
    );
  }

  /** With PENFOLD_SCREENSHOTS=1: docs/screenshots/NAME-WIDTH-SCHEME.png of the page as it is, in all sizes and schemes. */
  async screenshots(name: string): Promise<void> {
    if (process.env.PENFOLD_SCREENSHOTS !== '1') return;
    await mkdir(SCREENSHOTS, { recursive: true });
    const before = this.page.viewportSize();
    for (const colorScheme of SCHEMES) {
      await this.page.emulateMedia({ colorScheme });
      for (const width of WIDTHS) {
        await this.page.setViewportSize({ width, height: HEIGHTS[width] ?? 900 });
        await this.page.screenshot({
          path: path.join(SCREENSHOTS, `${name}-${width}-${colorScheme}.png`),
          animations: 'disabled',
          caret: 'hide',
        });
      }
    }
    await this.page.emulateMedia({ colorScheme: 'light' });
    if (before !== null) await this.page.setViewportSize(before);
  }

  /** Fails when anything happened that may never happen. */
  async close(): Promise<void> {
    await this.#context.close();
    assert.deepEqual(this.foreignRequests, [], 'no request leaves the origin');
    assert.deepEqual(this.violations, [], 'no policy is broken');
    assert.deepEqual(this.errors, [], 'no script fails');
  }
}
