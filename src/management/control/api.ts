/**
 * What the control door offers: the work on mailboxes that only the process owning them may do, and a look at what is
 * running. Commands that touch the directory alone do not come here; the running server sees those changes by itself.
 */
import * as v from 'valibot';
import type { Account } from '../../directory/model.ts';
import { Failure } from '../../observe/failure.ts';
import type { Mailbox, MailboxDatabase } from '../../store/api.ts';
import type { HealthEntry } from '../health/entry.ts';

export const sessionSchema = v.object({
  id: v.string(),
  protocol: v.string(),
  user: v.string(),
  clientAddress: v.string(),
  encryption: v.nullable(v.string()),
  /** Milliseconds since 1970. */
  since: v.number(),
});
export type SessionFacts = v.InferOutput<typeof sessionSchema>;

export const lockOutSchema = v.object({
  address: v.string(),
  user: v.string(),
  failures: v.number(),
  remainingMs: v.number(),
});
export type LockOutFacts = v.InferOutput<typeof lockOutSchema>;

export const listenerSchema = v.object({
  service: v.string(),
  host: v.string(),
  port: v.number(),
  security: v.picklist(['ssl', 'starttls', 'none']),
});
export type ListenerFacts = v.InferOutput<typeof listenerSchema>;

export const statusSchema = v.object({
  pid: v.number(),
  version: v.string(),
  server: v.string(),
  /** Milliseconds since 1970. */
  since: v.number(),
  draining: v.boolean(),
  services: v.array(
    v.object({
      service: v.string(),
      startupType: v.string(),
      /** Really: a front end that cannot open its ports does not. */
      running: v.boolean(),
    }),
  ),
  listeners: v.array(listenerSchema),
  /** Front ends that cannot do all they should: a port is taken. */
  problems: v.array(v.object({ service: v.string(), text: v.string() })),
  sessions: v.number(),
});
export type InstanceStatus = v.InferOutput<typeof statusSchema>;

export const healthSchema = v.object({
  probe: v.string(),
  healthSet: v.string(),
  says: v.string(),
  state: v.picklist(['Healthy', 'Unhealthy', 'Disabled', 'Unknown']),
  at: v.nullable(v.number()),
  latencyMs: v.nullable(v.number()),
  error: v.string(),
  since: v.number(),
});

export const verifySchema = v.object({
  mailbox: v.string(),
  folders: v.number(),
  messages: v.number(),
  problems: v.array(v.string()),
});
export type VerifyFacts = v.InferOutput<typeof verifySchema>;

/** What the server behind the door works with. */
export interface ControlServices {
  /** @throws Failure NONEXISTENT with the next step, when there is no such mailbox */
  accountWithMailbox(address: string): Promise<Account>;
  /** @throws Failure UNAVAILABLE */
  databaseOf(account: Account): MailboxDatabase;
  /** Deletes the stored mail for good. @throws Failure INUSE */
  purgeMailbox(account: Account): Promise<void>;
  status(): Promise<InstanceStatus>;
  /** How the probes last went. */
  health(): readonly HealthEntry[];
  sessions(): readonly SessionFacts[];
  lockOuts(): readonly LockOutFacts[];
  /** Of one client address, for one user or for all; how many were lifted. */
  liftLockOuts(address: string, user: string | null): number;
  /** False: there is no such session. */
  endSession(id: string): boolean;
}

/** Opens the mailbox of an address for one piece of work and closes it behind. */
export async function withMailbox<T>(
  services: Pick<ControlServices, 'accountWithMailbox' | 'databaseOf'>,
  address: string,
  work: (mailbox: Mailbox, database: MailboxDatabase) => Promise<T>,
): Promise<T> {
  const account = await services.accountWithMailbox(address);
  const database = services.databaseOf(account);
  if (account.mailbox === null) throw new Error('an account without mailbox');
  const mailbox = await database.open(account.mailbox.id);
  try {
    return await work(mailbox, database);
  } finally {
    mailbox.close();
  }
}

/** A mailbox comes into being with its first use: until then there is nothing to check. */
export async function verifyMailbox(database: MailboxDatabase, account: Account): Promise<VerifyFacts> {
  if (account.mailbox === null) throw new Failure('NONEXISTENT', `${account.userPrincipalName} has no mailbox`);
  try {
    const report = await database.verify(account.mailbox.id);
    return { ...report, problems: [...report.problems] };
  } catch (error) {
    if (!(error instanceof Failure && error.code === 'NONEXISTENT')) throw error;
    return { mailbox: account.mailbox.id, folders: 0, messages: 0, problems: [] };
  }
}
