/** A message in the inbox of a test user, on the shortest way. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import type { Account } from '../../src/directory/model.ts';
import type { MailboxDatabase } from '../../src/store/api.ts';
import type { TestUser } from '../support/organization.ts';

export async function deliver(
  organization: { user(index: number): TestUser; databaseOf(account: Account): MailboxDatabase },
  index: number,
  subject: string,
): Promise<void> {
  await deliverText(organization, index, `From: bob@example.test\r\nSubject: ${subject}\r\n\r\nText\r\n`);
}

export async function deliverText(
  organization: { user(index: number): TestUser; databaseOf(account: Account): MailboxDatabase },
  index: number,
  text: string,
): Promise<void> {
  const { account } = organization.user(index);
  await deliverTo(organization.databaseOf(account), account, text);
}

export async function deliverTo(database: MailboxDatabase, account: Account, text: string): Promise<void> {
  assert.ok(account.mailbox);
  const mailbox = await database.open(account.mailbox.id);
  const sink = database.stage();
  await sink.write(Buffer.from(text));
  const staged = await sink.finish();
  const inbox = mailbox.folderByName('INBOX');
  assert.ok(inbox);
  await mailbox.append(inbox.id, staged, {});
  await staged.release();
  mailbox.close();
}
