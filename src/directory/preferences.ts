/**
 * What a person has chosen for the web app: one document an account, read and checked as a whole. What an admin sets
 * for a mailbox is in settings/mailbox.ts. Pure.
 */
import * as v from 'valibot';
import { Failure } from '../observe/failure.ts';
import type { AccountId } from './model.ts';

export const SIGNATURES = 20;
export const SIGNATURE_NAME_CHARACTERS = 64;
export const SIGNATURE_TEXT_CHARACTERS = 8 * 1024;
/** With a small logo as data: URL. */
export const SIGNATURE_HTML_CHARACTERS = 64 * 1024;
/** Addresses of all mailboxes one sends with for which something is set. */
export const IDENTITIES = 100;
export const UNDO_SEND_SECONDS = 60;
/** Of all of it as JSON. */
export const PREFERENCES_BYTES = 512 * 1024;

const text = (most: number) => v.pipe(v.string(), v.maxLength(most, `at most ${most} characters`));
const signatureId = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,40}$/, '1–40 letters, digits, - and _'));

const isLanguage = (tag: string): boolean => {
  try {
    return Intl.getCanonicalLocales(tag).length === 1;
  } catch {
    return false;
  }
};
const isTimeZone = (name: string): boolean => {
  try {
    // Offsets (`+02:00`) are taken there, too, and are no place.
    return (
      /^[A-Za-z]/.test(name) && new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
    );
  } catch {
    return false;
  }
};

const signatureSchema = v.strictObject({
  id: signatureId,
  name: v.pipe(text(SIGNATURE_NAME_CHARACTERS), v.nonEmpty('a name')),
  text: text(SIGNATURE_TEXT_CHARACTERS),
  html: text(SIGNATURE_HTML_CHARACTERS),
});

/** Of one address that he sends with (RFC 8621 §6); where nothing is said, the mailbox's name and no signature count. */
const mailAddressSchema = v.strictObject({ name: v.nullable(text(256)), email: text(320) });
const identitySchema = v.strictObject({
  /** Lower case. */
  email: v.pipe(text(320), v.nonEmpty('an address')),
  name: text(256),
  replyTo: v.nullable(v.pipe(v.array(mailAddressSchema), v.maxLength(20, 'at most 20 addresses'))),
  bcc: v.nullable(v.pipe(v.array(mailAddressSchema), v.maxLength(20, 'at most 20 addresses'))),
  textSignature: text(SIGNATURE_TEXT_CHARACTERS),
  htmlSignature: text(SIGNATURE_HTML_CHARACTERS),
});

const schema = v.pipe(
  v.strictObject({
    /** BCP 47; null: the browser's. */
    language: v.optional(v.nullable(v.pipe(text(35), v.check(isLanguage, 'a language tag such as es'))), null),
    /** IANA name; null: the browser's. */
    timeZone: v.optional(v.nullable(v.pipe(text(64), v.check(isTimeZone, 'a time zone such as Europe/Dublin'))), null),
    theme: v.optional(v.picklist(['system', 'light', 'dark']), 'system'),
    readingPane: v.optional(v.picklist(['right', 'bottom', 'off']), 'right'),
    conversations: v.optional(v.boolean(), true),
    composeFormat: v.optional(v.picklist(['html', 'text']), 'html'),
    remotePictures: v.optional(v.picklist(['ask', 'show']), 'ask'),
    /** 0: sent at once. */
    undoSendSeconds: v.optional(
      v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(UNDO_SEND_SECONDS, `0–${UNDO_SEND_SECONDS}`)),
      10,
    ),
    signatures: v.optional(v.pipe(v.array(signatureSchema), v.maxLength(SIGNATURES, `at most ${SIGNATURES}`)), []),
    /** Ids of the above; null: none. */
    newMessageSignature: v.optional(v.nullable(signatureId), null),
    replySignature: v.optional(v.nullable(signatureId), null),
    /** By address; set by Identity/set. */
    identities: v.optional(
      v.pipe(v.array(identitySchema), v.maxLength(IDENTITIES, `at most ${IDENTITIES} identities`)),
      [],
    ),
  }),
  v.check(
    ({ signatures }) => new Set(signatures.map(({ id }) => id)).size === signatures.length,
    'two signatures have one id',
  ),
  v.check(
    ({ signatures, newMessageSignature, replySignature }) =>
      [newMessageSignature, replySignature].every((id) => id === null || signatures.some((one) => one.id === id)),
    'newMessageSignature and replySignature name a signature that is there, or null',
  ),
);

export type Preferences = v.InferOutput<typeof schema>;
export type Signature = v.InferOutput<typeof signatureSchema>;
export type IdentityPreferences = v.InferOutput<typeof identitySchema>;

export const PREFERENCE_NAMES: readonly string[] = Object.keys(schema.pipe[0].entries);
export const DEFAULT_PREFERENCES: Preferences = v.parse(schema, {});

/** @throws Failure CANNOT naming what does not fit */
export function checkedPreferences(given: unknown): Preferences {
  const result = v.safeParse(schema, given);
  if (!result.success) {
    const [issue] = result.issues;
    const where = v.getDotPath(issue);
    throw new Failure('CANNOT', `${where === null ? 'preferences' : where}: ${issue.message}`);
  }
  const bytes = Buffer.byteLength(JSON.stringify(result.output));
  if (bytes > PREFERENCES_BYTES)
    throw new Failure('CANNOT', `preferences take ${PREFERENCES_BYTES} bytes at most; these take ${bytes}`);
  return result.output;
}

/** What was stored, by this version or another: what is no longer acceptable gives way to its default. */
export function storedPreferences(stored: unknown): Preferences {
  if (typeof stored !== 'object' || stored === null) return DEFAULT_PREFERENCES;
  const whole = v.safeParse(schema, stored);
  if (whole.success) return whole.output;
  let kept: Record<string, unknown> = {};
  for (const name of PREFERENCE_NAMES) {
    if (!Object.hasOwn(stored, name)) continue;
    const next = { ...kept, [name]: Reflect.get(stored, name) };
    if (v.safeParse(schema, next).success) kept = next;
  }
  return v.parse(schema, kept);
}

export interface PreferencesOfAccounts {
  preferences(account: AccountId): Promise<Preferences>;
  /** Values that are left out stay. @throws Failure CANNOT, NONEXISTENT (account) */
  setPreferences(account: AccountId, patch: Partial<Preferences>): Promise<Preferences>;
}
