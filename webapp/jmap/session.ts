/** The JMAP session (RFC 8620 §2): who has signed in, which mailboxes he may open, what the server can do. */
import * as v from 'valibot';
import { ConnectionLost, SignedOut } from './errors.ts';

export const CAPABILITIES = {
  core: 'urn:ietf:params:jmap:core',
  mail: 'urn:ietf:params:jmap:mail',
  submission: 'urn:ietf:params:jmap:submission',
  vacation: 'urn:ietf:params:jmap:vacationresponse',
  quota: 'urn:ietf:params:jmap:quota',
  mailView: 'urn:penfold:params:jmap:mail-view',
  recoverable: 'urn:penfold:params:jmap:recoverable',
  clientSettings: 'urn:penfold:params:jmap:client-settings',
  calendar: 'urn:penfold:params:jmap:calendar',
  account: 'urn:penfold:params:jmap:account',
  admin: 'urn:penfold:params:jmap:admin',
} as const;
export type CapabilityName = keyof typeof CAPABILITIES;

/** RFC 8887 §3. */
export const WEBSOCKET = 'urn:ietf:params:jmap:websocket';

const accountSchema = v.object({
  name: v.string(),
  isPersonal: v.boolean(),
  isReadOnly: v.boolean(),
  accountCapabilities: v.record(v.string(), v.unknown()),
});

const sessionSchema = v.object({
  username: v.string(),
  capabilities: v.looseObject({
    [CAPABILITIES.core]: v.looseObject({
      maxSizeUpload: v.number(),
      maxCallsInRequest: v.number(),
      maxObjectsInGet: v.number(),
      maxObjectsInSet: v.number(),
    }),
    [WEBSOCKET]: v.looseObject({ url: v.string() }),
  }),
  accounts: v.record(v.string(), accountSchema),
  primaryAccounts: v.record(v.string(), v.string()),
  apiUrl: v.string(),
  uploadUrl: v.string(),
  downloadUrl: v.string(),
  state: v.string(),
});

export type Session = v.InferOutput<typeof sessionSchema>;
export type Account = v.InferOutput<typeof accountSchema>;

/** Sent with every request: no form and no link of another site can (ADR 12 §4). */
export const OWN_REQUEST = { 'X-Penfold': '1' } as const;

/** @throws SignedOut, ConnectionLost */
export async function fetchSession(): Promise<Session> {
  let answer: Response;
  try {
    answer = await fetch('/jmap/session', { headers: OWN_REQUEST, cache: 'no-store' });
  } catch (reason) {
    throw new ConnectionLost(reason);
  }
  if (answer.status === 401 || answer.status === 403) throw new SignedOut();
  if (!answer.ok) throw new ConnectionLost(answer.status);
  return v.parse(sessionSchema, await answer.json());
}

export const can = (session: Session, name: CapabilityName): boolean =>
  Object.hasOwn(session.capabilities, CAPABILITIES[name]);

/** The mailbox of the person himself; null: he has none (an administrator). */
export const ownAccount = (session: Session): string | null => session.primaryAccounts[CAPABILITIES.mail] ?? null;

/** The person's own account, with a mailbox or without: what is his and no mailbox's. */
export const personalAccount = (session: Session): string | null =>
  Object.entries(session.accounts).find(([, { isPersonal }]) => isPersonal)?.[0] ?? null;
