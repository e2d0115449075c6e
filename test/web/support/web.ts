/**
 * A whole server in the test's own process and a browser that knows nothing else: what tests of the web app begin with.
 *
 *     const web = await startWeb();
 *     const visit = await web.visit({ user: 0 });
 *     await visit.page.getByRole('button', { name: 'New message' }).click();
 *     await visit.close();
 *     await web.stop();
 *
 * Each visit is a browser of its own to the app (cookies, storage); closing it fails when a request left the origin,
 * when a policy was broken, or when a script threw.
 */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import type { Mailbox } from '../../../src/store/api.ts';
import { mailboxId } from '../../../src/store/model.ts';
import { type OrganizationOptions, startOrganization, type TestOrganization } from '../../support/organization.ts';
import { launchBrowser, wantedFromNetwork } from './browser.ts';
import { openVisit, type Visit, type VisitOptions } from './visit.ts';

export interface Web {
  readonly organization: TestOrganization;
  readonly browser: Browser;
  /** `https://localhost:…` */
  readonly origin: string;
  visit(options?: VisitOptions): Promise<Visit>;
  /** Works on the mailbox of a test user through the store, as a protocol session would. */
  inMailbox<T>(user: number, work: (mailbox: Mailbox, append: Append) => Promise<T>): Promise<T>;
  /** Closes the browser and returns what it wanted from elsewhere, by its own log. Then only `stop` is left. */
  wantedElsewhere(): Promise<readonly string[]>;
  stop(): Promise<void>;
}

export type Append = (
  message: string | Uint8Array,
  options?: { readonly folder?: string; readonly flags?: number; readonly at?: number },
) => Promise<number>;

export async function startWeb(options: Partial<OrganizationOptions> = {}): Promise<Web> {
  const folder = await mkdtemp(path.join(tmpdir(), 'penfold-web-test-'));
  const organization = await startOrganization({ engine: 'memory', ...options });
  const networkLog = path.join(folder, 'network.json');
  let browser: Browser;
  try {
    browser = await launchBrowser({ port: organization.web, ca: organization.ca, networkLog });
  } catch (error) {
    await organization.stop();
    throw error;
  }
  const origin = `https://localhost:${organization.web}`;
  return {
    organization,
    browser,
    origin,
    visit: (wish = {}) => openVisit({ browser, origin, organization }, wish),
    inMailbox: (user, work) => inMailbox(organization, user, work),
    wantedElsewhere: async () => {
      await browser.close();
      return wantedFromNetwork(networkLog, origin);
    },
    stop: async () => {
      await browser.close();
      await organization.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function inMailbox<T>(
  organization: TestOrganization,
  user: number,
  work: (mailbox: Mailbox, append: Append) => Promise<T>,
): Promise<T> {
  const { account } = organization.user(user);
  assert.ok(account.mailbox !== null, 'the user has a mailbox');
  const database = organization.databaseOf(account);
  const mailbox = await database.open(mailboxId(account.mailbox.id));
  const append: Append = async (message, { folder = 'INBOX', flags = 0, at } = {}) => {
    const target = mailbox.folderByName(folder) ?? (await mailbox.createFolder(folder));
    const sink = database.stage();
    await sink.write(Buffer.from(message));
    const staged = await sink.finish();
    const { uid } = await mailbox.append(target.id, staged, {
      flags,
      ...(at === undefined ? {} : { internalDate: at }),
    });
    await staged.release();
    return uid;
  };
  try {
    return await work(mailbox, append);
  } finally {
    mailbox.close();
  }
}
