/**
 * App passwords (directory/app-password.ts) at logon. One is twenty characters in five groups; the first group says
 * which one of the account it is, the other sixteen (79 bits) are the secret. So a logon is checked against one
 * verifier whatever was typed, and costs one argon2 run with or without app passwords.
 *
 * SCRAM (RFC 5802 §3) shows the salt before anything is proved, so all passwords of an account share the salt of the
 * SCRAM keys (argon2id has salts of its own): a proof is held against each key, which costs microseconds.
 */
import { randomInt } from 'node:crypto';
import type { Directory } from '../directory/api.ts';
import type {
  AppPassword,
  AppPasswordProtocol,
  AppPasswordVerifier,
  NewAppPassword,
} from '../directory/app-password.ts';
import type { AccountId, Credentials } from '../directory/model.ts';
import { Failure } from '../observe/failure.ts';
import type { LogonContext } from './api.ts';
import { passwordGroups, READABLE } from './password-policy.ts';
import { type CredentialsOptions, makeCredentials } from './verifiers.ts';

const GROUP_LENGTH = 4;
const GROUPS = 5;
/** Selectors tried for a new one; an account has 25 at most of 923,521. */
const ATTEMPTS = 10;
const FORM = new RegExp(`^[${READABLE}]{${GROUPS * GROUP_LENGTH}}$`);

export type KnownAppPassword = AppPassword & AppPasswordVerifier;

/** As stored; typed with or without hyphens and blanks, in any case. Null: not of this form, so no app password. */
export function readAppPassword(typed: string): { readonly selector: string; readonly password: string } | null {
  // Longer than any spelling of one: nothing is made of it.
  if (typed.length > 64) return null;
  const letters = typed.replaceAll(/[-\s]/g, '').toLowerCase();
  if (!FORM.test(letters)) return null;
  const groups = Array.from({ length: GROUPS }, (_, at) => letters.slice(at * GROUP_LENGTH, (at + 1) * GROUP_LENGTH));
  return { selector: letters.slice(0, GROUP_LENGTH), password: groups.join('-') };
}

/** What an app password has to be made for, so that it opens this; null: none does. */
export function appPasswordProtocol(context: Pick<LogonContext, 'protocol' | 'jmap'>): AppPasswordProtocol | null {
  switch (context.protocol) {
    case 'imap':
      return 'IMAP';
    case 'pop3':
      return 'POP';
    case 'smtp':
      return 'SMTP';
    case 'web':
      return context.jmap === true ? 'JMAP' : null;
  }
}

/** Null: welcome. */
export function protocolRefusal(
  { name, protocols }: Pick<AppPassword, 'name' | 'protocols'>,
  context: Pick<LogonContext, 'protocol' | 'jmap'>,
): Failure | null {
  const wanted = appPasswordProtocol(context);
  if (wanted !== null && protocols.includes(wanted)) return null;
  return new Failure(
    'AUTHORIZATIONFAILED',
    `The app password "${name}" is for ${protocols.join(', ')} only. ${
      wanted === null ? 'Sign in with your own password.' : `Make one for ${wanted} in the web app.`
    }`,
  );
}

/** @throws Failure as Directory.addAppPassword; UNAVAILABLE when too many passwords are being hashed */
export async function createAppPassword(
  directory: Directory,
  account: AccountId,
  wanted: Pick<NewAppPassword, 'name' | 'protocols'>,
  options: CredentialsOptions = {},
): Promise<{ readonly appPassword: AppPassword; readonly password: string }> {
  const own = await directory.credentials(account);
  const taken = new Set((await directory.appPasswordVerifiers(account)).map((one) => one.selector));
  let selector = newSelector();
  for (let tried = 1; taken.has(selector) && tried < ATTEMPTS; tried += 1) selector = newSelector();
  const password = `${selector}-${passwordGroups(GROUPS - 1)}`;
  const credentials = await makeCredentials(password, { ...options, ...(own === null ? {} : saltOf(own)) });
  const appPassword = await directory.addAppPassword({ account, ...wanted, selector, credentials });
  return { appPassword, password };
}

/** Verifiers of a new password of an account that may have app passwords: these have to go on by SCRAM. */
export async function credentialsOfAccount(
  directory: Directory,
  account: AccountId,
  password: string,
  options: CredentialsOptions = {},
): Promise<Credentials> {
  const own = await directory.credentials(account);
  const shared = own !== null && (await directory.appPasswords(account)).length > 0 ? saltOf(own) : {};
  return makeCredentials(password, { ...options, ...shared });
}

const newSelector = (): string =>
  Array.from({ length: GROUP_LENGTH }, () => READABLE[randomInt(READABLE.length)]).join('');

const saltOf = ({ scramSha256: { salt, iterations } }: Credentials): CredentialsOptions => ({ salt, iterations });
