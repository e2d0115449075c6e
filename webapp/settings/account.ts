/** The person's own account as JMAP tells it (`urn:penfold:params:jmap:account`) and the quota of his mailbox. */
import * as v from 'valibot';
import { getAnswer, method, setAnswer } from '../jmap/method.ts';
import { CAPABILITIES, personalAccount, type Session } from '../jmap/session.ts';

const signature = v.object({ id: v.string(), name: v.string(), text: v.string(), html: v.string() });
export type Signature = v.InferOutput<typeof signature>;

const accountSettings = v.object({
  id: v.string(),
  userName: v.string(),
  displayName: v.string(),
  addresses: v.array(v.string()),
  lastUses: v.array(v.object({ protocol: v.string(), at: v.string(), clientAddress: v.string(), program: v.string() })),
  language: v.nullable(v.string()),
  timeZone: v.nullable(v.string()),
  theme: v.picklist(['system', 'light', 'dark']),
  readingPane: v.picklist(['right', 'bottom', 'off']),
  conversations: v.boolean(),
  composeFormat: v.picklist(['html', 'text']),
  remotePictures: v.picklist(['ask', 'show']),
  undoSendSeconds: v.number(),
  signatures: v.array(signature),
  newMessageSignature: v.nullable(v.string()),
  replySignature: v.nullable(v.string()),
});
export type AccountSettings = v.InferOutput<typeof accountSettings>;
/** What a person may change. */
export type Preferences = Omit<AccountSettings, 'id' | 'userName' | 'displayName' | 'addresses' | 'lastUses'>;

export const accountSettingsGet = method('AccountSettings/get', 'account', getAnswer(accountSettings));
export const accountSettingsSet = method('AccountSettings/set', 'account', setAnswer);

const appPassword = v.object({
  id: v.string(),
  name: v.string(),
  protocols: v.array(v.string()),
  createdAt: v.string(),
  lastUsedAt: v.nullable(v.string()),
});
export type AppPassword = v.InferOutput<typeof appPassword>;
export const appPasswordGet = method('AppPassword/get', 'account', getAnswer(appPassword));
export const appPasswordSet = method('AppPassword/set', 'account', setAnswer);
/** In the answer that makes one, and nowhere else. */
export const madeAppPassword = v.object({ password: v.string() });

const webSession = v.object({
  id: v.string(),
  isPresent: v.boolean(),
  createdAt: v.string(),
  lastUsedAt: v.string(),
  expiresAt: v.string(),
  clientAddress: v.string(),
  userAgent: v.string(),
  isRemembered: v.boolean(),
});
export type WebSession = v.InferOutput<typeof webSession>;
export const webSessionGet = method('WebSession/get', 'account', getAnswer(webSession));
export const webSessionSet = method('WebSession/set', 'account', setAnswer);

export const passwordChange = method('Password/change', 'account', v.object({ accountId: v.string() }));

const limitsSchema = v.object({
  minPasswordLength: v.number(),
  maxAppPasswords: v.number(),
  appPasswordProtocols: v.array(v.string()),
  maxSignatures: v.number(),
  maxUndoSendSeconds: v.number(),
});
export type AccountLimits = v.InferOutput<typeof limitsSchema>;

/** What the server says of the person's own account. */
export function accountLimits(session: Session): AccountLimits {
  const account = session.accounts[personalAccount(session) ?? ''];
  return v.parse(limitsSchema, account?.accountCapabilities[CAPABILITIES.account]);
}
