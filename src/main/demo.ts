/**
 * The organization that `penfold start` makes for trying Penfold out: two mailboxes, generated passwords that are kept
 * beside it for the next start's table, POP3 and IMAP4 on because the command says so.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import * as v from 'valibot';
import { generatePassword } from '../auth/password-policy.ts';
import { makeCredentials } from '../auth/verifiers.ts';
import type { DataLayout } from '../config/data-directory.ts';
import type { Directory } from '../directory/api.ts';
import type { Account, Server } from '../directory/model.ts';
import { createMailboxes } from '../management/mailboxes.ts';
import { actOnServices, servicesNamed } from '../management/services.ts';
import { Failure } from '../observe/failure.ts';
import type { MailboxDatabase } from '../store/api.ts';
import { createData } from './create-data.ts';
import type { CreatedOrganization } from './organization.ts';
import { welcomeMessage } from './welcome.ts';

/** RFC 6761 §6.2: `.test` is nobody's, so no mail of a trial ever goes astray. */
export const DEMO_DOMAIN = 'example.test';
const DEMO_USERS = [
  { address: `alice@${DEMO_DOMAIN}`, name: 'Alice Example' },
  { address: `bob@${DEMO_DOMAIN}`, name: 'Bob Example' },
];

const demoSchema = v.object({
  administrator: v.object({ user: v.string(), password: v.string() }),
  mailboxes: v.array(v.object({ address: v.string(), password: v.string() })),
  welcomed: v.boolean(),
  /** Where the web service listens: the directory has no place for it. */
  web: v.optional(v.object({ address: v.string(), port: v.number() })),
  /** Plain HTTP that is sent there; missing in demos of earlier versions. */
  redirect: v.optional(v.object({ address: v.string(), port: v.number() })),
});
export type Demo = v.InferOutput<typeof demoSchema>;

/** Null: this data directory was not made by `penfold start`. */
export async function readDemo(layout: DataLayout): Promise<Demo | null> {
  let text: string;
  try {
    text = await readFile(layout.demo, 'utf8');
  } catch (error) {
    if (error instanceof Error && Reflect.get(error, 'code') === 'ENOENT') return null;
    throw error;
  }
  return v.parse(demoSchema, JSON.parse(text));
}

export async function writeDemo(layout: DataLayout, demo: Demo): Promise<void> {
  await writeFile(`${layout.demo}.new`, `${JSON.stringify(demo, null, 1)}\n`, { mode: 0o600 });
  await rename(`${layout.demo}.new`, layout.demo);
}

/** @throws Failure ALREADYEXISTS */
export async function createDemo(layout: DataLayout): Promise<Demo> {
  const administrator = { user: `administrator@${DEMO_DOMAIN}`, password: generatePassword() };
  const mailboxes = DEMO_USERS.map(({ address }) => ({ address, password: generatePassword() }));
  const demo: Demo = { administrator, mailboxes, welcomed: false };
  const plan = {
    organization: 'Penfold Demo',
    site: 'Default-First-Site',
    server: 'PENFOLD',
    fqdn: 'localhost',
    domain: DEMO_DOMAIN,
    database: 'Mailbox Database 1',
    administrator: await makeCredentials(administrator.password),
  };
  await createData(layout, plan, async (directory, created) => {
    await addUsers(directory, demo);
    await openConnectors(directory, created);
    for (const protocol of ['imap4', 'pop3']) {
      await actOnServices(directory, created.server, servicesNamed(created.server, protocol), 'enable');
    }
    // Within the set-up: a directory whose passwords nobody knows would be of no use.
    await writeDemo(layout, demo);
  });
  return demo;
}

async function addUsers(directory: Directory, demo: Demo): Promise<void> {
  for (const { address, name } of DEMO_USERS) {
    const password = demo.mailboxes.find((one) => one.address === address)?.password ?? generatePassword();
    await createMailboxes(directory, {
      address,
      count: null,
      displayName: name,
      database: null,
      credentials: await makeCredentials(password),
    });
  }
}

/**
 * A trial sends more than five messages a minute, and many clients of it come from one address; connectors between
 * servers have no use with one server, so their ports stay closed.
 */
async function openConnectors(directory: Directory, { server }: CreatedOrganization): Promise<void> {
  for (const connector of await directory.connectors(server.id)) {
    const isForClients = connector.name.startsWith('Client Frontend') || connector.name.startsWith('Default Frontend');
    await directory.changeConnector(
      connector.id,
      isForClients
        ? {
            messageRateLimit: Number.POSITIVE_INFINITY,
            maxInboundConnectionPerSource: Number.POSITIVE_INFINITY,
            maxInboundConnectionPercentagePerSource: 100,
          }
        : { enabled: false },
    );
  }
}

/** Our message into the Inbox of each demo user, once. */
export async function welcome(
  layout: DataLayout,
  demo: Demo,
  directory: Directory,
  server: Server,
  databaseOf: (account: Account) => MailboxDatabase,
): Promise<Demo> {
  if (demo.welcomed) return demo;
  for (const { address } of demo.mailboxes) {
    const account = await directory.accountByAddress(address);
    if (account?.mailbox === null || account === null)
      throw new Failure('NONEXISTENT', `there is no mailbox ${address}`);
    const database = databaseOf(account);
    const mailbox = await database.open(account.mailbox.id);
    try {
      const inbox = mailbox.folderByUse('inbox');
      // A start that was cut off between the two mailboxes must not greet the first one twice.
      if (inbox === null || inbox.exists > 0) continue;
      const sink = database.stage();
      await sink.write(welcomeMessage({ to: address, name: account.displayName, server: server.fqdn, at: new Date() }));
      const message = await sink.finish();
      try {
        await mailbox.append(inbox.id, message, {});
      } finally {
        await message.release();
      }
    } finally {
      mailbox.close();
    }
  }
  const done: Demo = { ...demo, welcomed: true };
  await writeDemo(layout, done);
  return done;
}
