/**
 * Logons of all protocols: who asks, whether the password or proof is right, whether this account may come in here.
 *
 * Every refusal of an unknown name, a wrong password and an account without password takes the same path: one look-up,
 * one argon2 run or one SCRAM exchange, one counted failure, one text. Passwords and SASL responses are never logged.
 */
import { randomBytes } from 'node:crypto';
import type { Directory } from '../directory/api.ts';
import type { Account, Credentials, ScramVerifier } from '../directory/model.ts';
import { Failure } from '../observe/failure.ts';
import { type Log, silentLog } from '../observe/log.ts';
import { tally } from '../observe/metrics/tally.ts';
import { LOGON_NAME_BYTES, PASSWORD_BYTES } from '../wire/limits.ts';
import { barred, refusalOf } from './admission.ts';
import type { Authenticator, Logon, LogonContext } from './api.ts';
import { type KnownAppPassword, protocolRefusal, readAppPassword } from './app-passwords.ts';
import type { Argon2 } from './argon2id.ts';
import { delegateRefusal, mailboxNamed, namedLogon, twoMailboxes } from './delegate.ts';
import type { MailboxName } from './logon-name.ts';
import { loginExchange } from './mechanisms/login.ts';
import type { MechanismHost, ScramSubject } from './mechanisms/mechanism.ts';
import { plainExchange } from './mechanisms/plain.ts';
import { scramExchange } from './mechanisms/scram.ts';
import { PasswordCheck } from './password-check.ts';
import { preparedName } from './prepared.ts';
import { Throttle } from './throttle.ts';
import type { UseNotes } from './use-notes.ts';
import { hmac, SCRAM_ITERATIONS, SCRAM_KEY_BYTES, SCRAM_SALT_BYTES } from './verifiers.ts';

export interface AuthenticatorOptions {
  readonly directory: Directory;
  readonly log?: Log;
  /** Shared by all services of the process, so that an admin can list and lift. */
  readonly throttle?: Throttle;
  /**
   * Salts shown for names that do not exist derive from it. Pass 32 bytes that outlive a restart: a salt that changes
   * with every start would tell that the name is unknown. Left out: random per process.
   */
  readonly saltKey?: Uint8Array;
  readonly hash?: Argon2;
  /** Hears of each logon; missing: nobody keeps notes. */
  readonly uses?: UseNotes;
  readonly now?: () => number;
  /** Waits; for tests. */
  readonly delay?: (ms: number) => Promise<void>;
}

/** One attempt to log on, as throttle and log see it. */
interface Attempt {
  /** Keys throttle and cache: all names of an account count together. */
  readonly subject: string;
  /** As typed. */
  readonly name: string;
  /** The mailbox the name asks for besides; null: the own one. */
  readonly mailbox: MailboxName | null;
  readonly context: LogonContext;
  readonly mechanism: string;
}

const wrongPassword = (): Failure => new Failure('AUTHENTICATIONFAILED', 'The user name or password is wrong.');

export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { directory } = options;
  const log = options.log ?? silentLog;
  const throttle = options.throttle ?? new Throttle();
  const saltKey = options.saltKey ?? randomBytes(32);
  const delay = options.delay ?? wait;
  const passwords = new PasswordCheck({
    ...(options.hash === undefined ? {} : { hash: options.hash }),
    ...(options.now === undefined ? {} : { now: options.now }),
  });

  /** Whom a name means; of a delegate form (logon-name.ts) the one who authenticates. */
  async function lookUp(name: string): Promise<{
    readonly account: Account | null;
    readonly credentials: Credentials | null;
    readonly subject: string;
    readonly mailbox: MailboxName | null;
  }> {
    try {
      const { user, mailbox } = await namedLogon(directory, name);
      const account = await directory.accountByLogonName(user);
      const credentials = account === null ? null : await directory.credentials(account.id);
      return { account, credentials, subject: account?.userPrincipalName ?? `?${await canonical(user)}`, mailbox };
    } catch (error) {
      if (error instanceof Failure) throw error;
      throw new Failure('UNAVAILABLE', 'Logons cannot be checked right now. Try again later.', { cause: error });
    }
  }

  /** One spelling for `ann`, `DOMAIN\ann` and `ann@default`, so that a fake salt does not give an unknown name away. */
  async function canonical(name: string): Promise<string> {
    const lower = name.trim().toLowerCase();
    if (lower.includes('@')) return lower;
    const domain = (await directory.domains()).find((one) => one.isDefault)?.name ?? '';
    return `${lower.slice(lower.search(/[\\/]/) + 1)}@${domain}`;
  }

  const fields = ({ name, context, mechanism }: Attempt): object => ({
    ...(context.session === undefined ? {} : { session: context.session }),
    protocol: context.protocol,
    address: context.remoteAddress,
    encrypted: context.encrypted,
    mechanism,
    name,
  });

  const count = ({ context, mechanism }: Attempt, result: string): void =>
    tally.logons.add([context.protocol, mechanism, result]);

  function checkLockOut(attempt: Attempt): void {
    const remaining = throttle.remaining(attempt.context.remoteAddress, attempt.subject);
    if (remaining <= 0) return;
    const minutes = Math.ceil(remaining / 60_000);
    count(attempt, 'LIMIT');
    log.warn({ ...fields(attempt), reason: 'locked-out' }, 'logon refused');
    throw new Failure('LIMIT', `Too many failed logons. Try again in ${minutes} minute${minutes === 1 ? '' : 's'}.`);
  }

  async function fail(attempt: Attempt, reason: string, failure: Failure): Promise<never> {
    const { delayMs, locked } = throttle.failed(attempt.context.remoteAddress, attempt.subject);
    count(attempt, failure.code);
    if (locked) tally.lockOuts += 1;
    log.warn({ ...fields(attempt), reason, ...(locked ? { locked } : {}) }, 'logon refused');
    if (delayMs > 0) await delay(delayMs);
    throw failure;
  }

  /** The secret was right; may this account come in, and as whom? */
  async function admit(
    attempt: Attempt,
    account: Account,
    appPassword: KnownAppPassword | null,
    authorizationId: string,
  ): Promise<Logon> {
    const { context, subject } = attempt;
    throttle.succeeded(context.remoteAddress, subject);
    const which = appPassword === null ? {} : { appPassword: appPassword.name };
    const refuse = (reason: string, failure: Failure, more: object = {}): never => {
      count(attempt, failure.code);
      log.warn({ ...fields(attempt), reason, account: account.userPrincipalName, ...which, ...more }, 'logon refused');
      throw failure;
    };
    // The switches of who authenticates count, not those of the mailbox (exchange-behaviour.md §2).
    const refusal = refusalOf(account, await directory.clientAccess(account.id), context.protocol);
    if (refusal !== null) return refuse(refusal.reason, refusal.failure);
    const notForThis = appPassword === null ? null : protocolRefusal(appPassword, context);
    if (notForThis !== null) return refuse('app-password-protocol', notForThis);
    let mailbox: Account | null = null;
    for (const wanted of await wantedMailboxes(attempt, authorizationId)) {
      const typed = { mailbox: wanted.typed };
      const refused = await delegateRefusal(directory, account, wanted.account, context.protocol);
      if (refused !== null) return refuse(refused.reason, refused.failure, typed);
      if (mailbox !== null && mailbox.id !== wanted.account?.id) {
        const { reason, failure } = twoMailboxes();
        return refuse(reason, failure, typed);
      }
      mailbox = wanted.account;
    }
    const opened = mailbox === null || mailbox.id === account.id ? account : mailbox;
    const whose = opened === account ? {} : { mailbox: opened.userPrincipalName };
    count(attempt, 'OK');
    log.info({ ...fields(attempt), account: account.userPrincipalName, ...which, ...whose }, 'logon');
    options.uses?.note({
      account: account.id,
      protocol: context.protocol,
      clientAddress: context.remoteAddress,
      program: context.program ?? '',
      appPassword: appPassword?.id ?? null,
      webSession: null,
    });
    return appPassword === null
      ? { account, mailbox: opened }
      : { account, mailbox: opened, appPassword: { id: appPassword.id, name: appPassword.name } };
  }

  /** What the name and the SASL authorization identity (RFC 4422 §2) ask for; nothing: the own mailbox. */
  async function wantedMailboxes(
    attempt: Attempt,
    authorizationId: string,
  ): Promise<ReadonlyArray<{ readonly typed: string; readonly account: Account | null }>> {
    const wanted: Array<{ readonly typed: string; readonly account: Account | null }> = [];
    if (attempt.mailbox !== null)
      wanted.push({ typed: attempt.name, account: await mailboxNamed(directory, attempt.mailbox) });
    if (authorizationId !== '')
      wanted.push({
        typed: authorizationId,
        account: await directory.accountByLogonName(preparedName(authorizationId)),
      });
    return wanted;
  }

  async function appPasswordsOf(account: Account): Promise<readonly KnownAppPassword[]> {
    try {
      return await directory.appPasswordVerifiers(account.id);
    } catch (error) {
      if (error instanceof Failure) throw error;
      throw new Failure('UNAVAILABLE', 'Logons cannot be checked right now. Try again later.', { cause: error });
    }
  }

  /** The app password that this names, right or wrong. Null: it names none, so it is the account's own password or wrong. */
  async function appPasswordMeant(
    account: Account,
    typed: string,
  ): Promise<{ readonly known: KnownAppPassword; readonly password: string } | null> {
    const read = readAppPassword(typed);
    if (read === null) return null;
    const known = (await appPasswordsOf(account)).find((one) => one.selector === read.selector);
    return known === undefined ? null : { known, password: read.password };
  }

  function fakeVerifier(subject: string): ScramVerifier {
    return {
      iterations: SCRAM_ITERATIONS,
      salt: hmac(saltKey, subject).subarray(0, SCRAM_SALT_BYTES),
      storedKey: randomBytes(SCRAM_KEY_BYTES),
      serverKey: randomBytes(SCRAM_KEY_BYTES),
    };
  }

  const host: MechanismHost = {
    async password(typedName, password, authorizationId, context, mechanism): Promise<Logon> {
      const name = preparedName(typedName);
      const { account, credentials, subject, mailbox } = await lookUp(name);
      const attempt: Attempt = { subject, name, mailbox, context, mechanism };
      checkLockOut(attempt);
      const app = account === null ? null : await appPasswordMeant(account, password);
      const right = await passwords.isRight(subject, app?.known.credentials ?? credentials, app?.password ?? password);
      // Attempts that ran side by side must not learn more than the limit allows.
      checkLockOut(attempt);
      const bar = barred(account);
      if (bar !== null) return fail(attempt, bar.reason, bar.failure);
      if (account === null || !right) return fail(attempt, whyWrong(account, credentials), wrongPassword());
      return admit(attempt, account, app?.known ?? null, authorizationId);
    },

    async scram(typedName, context, mechanism): Promise<ScramSubject> {
      const name = preparedName(typedName);
      const { account, credentials, subject, mailbox } = await lookUp(name);
      const attempt: Attempt = { subject, name, mailbox, context, mechanism };
      checkLockOut(attempt);
      const bar = barred(account);
      const isReal = account !== null && credentials !== null && bar === null;
      const reject = async (): Promise<never> => {
        checkLockOut(attempt);
        return bar === null
          ? fail(attempt, whyWrong(account, credentials), wrongPassword())
          : fail(attempt, bar.reason, bar.failure);
      };
      const own = isReal ? credentials.scramSha256 : fakeVerifier(subject);
      const apps = isReal ? (await appPasswordsOf(account)).filter(sharing(own)) : [];
      return {
        salt: own.salt,
        iterations: own.iterations,
        keys: [own, ...apps.map((app) => app.credentials.scramSha256)],
        accept: async (which, authorizationId) => {
          checkLockOut(attempt);
          return isReal ? admit(attempt, account, apps[which - 1] ?? null, authorizationId) : reject();
        },
        reject,
      };
    },
  };

  const plainAllowed = (context: LogonContext): boolean => context.encrypted || context.plainTextAllowed === true;

  return {
    mechanisms: (context) => [
      ...(context.channelBinding === null ? [] : ['SCRAM-SHA-256-PLUS']),
      'SCRAM-SHA-256',
      ...(plainAllowed(context) ? ['PLAIN'] : []),
      // Only submission has clients that know no other; elsewhere LOGIN and USER/PASS commands exist.
      ...(plainAllowed(context) && context.protocol === 'smtp' ? ['LOGIN'] : []),
    ],

    begin(mechanism, context) {
      switch (mechanism.toUpperCase()) {
        case 'SCRAM-SHA-256-PLUS':
          return context.channelBinding === null ? null : scramExchange(host, context, { plus: true });
        case 'SCRAM-SHA-256':
          return scramExchange(host, context, { plus: false });
        case 'PLAIN':
          return plainAllowed(context) ? plainExchange(host, context) : null;
        case 'LOGIN':
          return plainAllowed(context) ? loginExchange(host, context) : null;
        default:
          return null;
      }
    },

    async password(name, password, context) {
      if (!plainAllowed(context))
        throw new Failure('PRIVACYREQUIRED', 'Turn on TLS before logging on with a password.');
      const tooLong = Buffer.byteLength(name) > LOGON_NAME_BYTES || Buffer.byteLength(password) > PASSWORD_BYTES;
      if (tooLong) throw new Failure('AUTHENTICATIONFAILED', 'The user name or password is too long.');
      return host.password(name, password, '', context, 'password');
    },
  };
}

/** Verifiers whose keys fit the salt that a client was shown. */
const sharing =
  ({ salt, iterations }: ScramVerifier) =>
  ({ credentials: { scramSha256 } }: KnownAppPassword): boolean =>
    scramSha256.iterations === iterations && Buffer.compare(scramSha256.salt, salt) === 0;

/** For the log only; the client hears one text. */
function whyWrong(account: Account | null, credentials: Credentials | null): string {
  if (account === null) return 'unknown-user';
  return credentials === null ? 'no-password' : 'wrong-password';
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
