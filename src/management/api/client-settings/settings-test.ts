/**
 * `Test my settings`: a connection to the place that is shown, as a mail program makes it, from this server: name,
 * TLS, certificate, logon, Inbox. What happened is told step by step in codes, for pages that say them in their reader's
 * language.
 *
 * A wrong password never comes as far as the front door: it is looked at first as a logon from where the person sits.
 * So it counts against his own address as every failure does, and not against this server's, which would lock him out
 * for everybody behind it.
 */
import type { LookupFunction } from 'node:net';
import type { Authenticator } from '../../../auth/api.ts';
import { mailboxNamed, namedLogon } from '../../../auth/delegate.ts';
import { refusedNow } from '../../../auth/still-allowed.ts';
import type { Directory } from '../../../directory/api.ts';
import type { Account, ConnectionSetting } from '../../../directory/model.ts';
import { Failure } from '../../../observe/failure.ts';
import { probeImap } from '../../connectivity/imap-probe.ts';
import type { ProbeStep, ProbeTarget } from '../../connectivity/line-client.ts';
import { probePop } from '../../connectivity/pop-probe.ts';
import type { ProbeOptions } from '../../connectivity/probe.ts';
import { ProbeError } from '../../connectivity/probe-error.ts';
import { probeSmtp } from '../../connectivity/smtp-probe.ts';
import { withEitherTrust } from '../../connectivity/trust.ts';
import { LOGON_PROTOCOL, type MailProtocol, ownSettings } from './own-settings.ts';

/** Connecting, and each answer. */
const ANSWER_MS = 10_000;
const WHOLE_MS = 30_000;
/** Of the server's own words. */
const WORDS = 300;
const NAMES = 20;

export type TestStep = 'resolve' | ProbeStep;

/** What went wrong, a sentence each in the page. */
export type TestFault =
  | 'nameUnknown'
  | 'connectionRefused'
  | 'frontEndStopped'
  | 'backEndStopped'
  | 'outOfService'
  | 'timeout'
  | 'connectionClosed'
  | 'certificateName'
  | 'certificateAuthority'
  | 'certificateExpired'
  | 'tlsFailed'
  | 'notEncrypted'
  | 'wrongPassword'
  | 'lockedOut'
  | 'protocolDisabled'
  | 'administrator'
  | 'accountDisabled'
  | 'noMailbox'
  | 'noAccess'
  | 'busy'
  | 'unavailable'
  | 'refused';

export interface StepResult {
  readonly step: TestStep;
  readonly ok: boolean;
  readonly fault?: TestFault;
  /** Of `tls`: who vouches for the certificate. */
  readonly authority?: 'organization' | 'public';
  /** Of `certificateName`: the names that it has. */
  readonly certificateNames?: readonly string[];
  /** What the server said, where it refused in words. */
  readonly answer?: string;
}

export interface SettingsTestOptions {
  readonly directory: Directory;
  readonly authenticator: Pick<Authenticator, 'password'>;
  /** PEM of the organization's authority. @throws Failure UNAVAILABLE where there is none */
  authorityPem(): Promise<string>;
  /** For tests, whose host names nobody resolves. */
  readonly lookup?: LookupFunction | undefined;
}

export interface SettingsTest {
  readonly person: Account;
  readonly protocol: MailProtocol;
  readonly setting: ConnectionSetting;
  readonly userName: string;
  readonly password: string;
  /** Where the person sits. */
  readonly remoteAddress: string;
  readonly signal: AbortSignal;
}

const RESOLVED: StepResult = { step: 'resolve', ok: true };
const CONNECTION = { SSL: 'Ssl', TLS: 'Tls', none: 'Plaintext' } as const;

/** Never rejects for what a server does. @throws Failure UNAVAILABLE when the directory is away */
export async function testSettings(options: SettingsTestOptions, test: SettingsTest): Promise<readonly StepResult[]> {
  const { protocol, setting } = test;
  let steps: StepResult[] = [];
  const signal = AbortSignal.any([test.signal, AbortSignal.timeout(WHOLE_MS)]);
  const own = await authorities(options);
  const target: ProbeTarget = {
    host: setting.host,
    port: setting.port,
    connectionType: CONNECTION[setting.encryption],
    serverName: setting.host,
    trustAny: false,
    authorities: own,
    lookup: options.lookup,
  };
  try {
    await withEitherTrust(target, async (target) => {
      steps = [];
      const authority = target.authorities.length > 0 ? 'organization' : 'public';
      await probe(protocol, {
        target,
        credential: { user: test.userName, password: test.password },
        perConnectionTimeoutMs: ANSWER_MS,
        timeoutMs: WHOLE_MS,
        message: null,
        opensInbox: true,
        signal,
        onStep: (step) => {
          if (step === 'connect') steps.push(RESOLVED);
          steps.push({ step, ok: true, ...(step === 'tls' ? { authority } : {}) });
        },
        beforeLogon: () => mayLogOn(options, test),
      });
    });
  } catch (error) {
    test.signal.throwIfAborted();
    const failed = await failedStep(options, test, steps, signal.aborted ? timeUp(error) : error);
    if (steps.length === 0 && failed.step !== 'resolve') steps.push(RESOLVED);
    steps.push(failed);
  }
  return steps;
}

async function authorities(options: SettingsTestOptions): Promise<readonly string[]> {
  try {
    return [await options.authorityPem()];
  } catch (error) {
    if (error instanceof Failure) return [];
    throw error;
  }
}

function probe(protocol: MailProtocol, options: ProbeOptions): Promise<void> {
  switch (protocol) {
    case 'pop':
      return probePop(options);
    case 'imap':
      return probeImap(options);
    case 'smtp':
      // The address is for test messages, and none is sent.
      return probeSmtp({ ...options, address: '' });
  }
}

const timeUp = (cause: unknown): ProbeError => new ProbeError('no answer in time', { kind: 'timeout' }, { cause });

/** Stops before a password goes out that is wrong, or that everybody on the way could read. */
class NotSent extends Error {
  readonly fault: TestFault;

  constructor(fault: TestFault) {
    super(fault);
    this.fault = fault;
  }
}

/** @throws NotSent; refusals that are no matter of the password are the front door's to tell */
async function mayLogOn({ authenticator }: SettingsTestOptions, test: SettingsTest): Promise<void> {
  if (test.setting.encryption === 'none') throw new NotSent('notEncrypted');
  try {
    await authenticator.password(test.userName, test.password, {
      protocol: LOGON_PROTOCOL[test.protocol],
      remoteAddress: test.remoteAddress,
      encrypted: true,
      channelBinding: null,
    });
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    if (error.code === 'AUTHENTICATIONFAILED') throw new NotSent('wrongPassword');
    if (error.code === 'LIMIT') throw new NotSent('lockedOut');
    if (error.code === 'UNAVAILABLE') throw new NotSent('unavailable');
  }
}

async function failedStep(
  options: SettingsTestOptions,
  test: SettingsTest,
  done: readonly StepResult[],
  error: unknown,
): Promise<StepResult> {
  if (error instanceof NotSent) return { step: 'logon', ok: false, fault: error.fault };
  if (!(error instanceof ProbeError)) throw error;
  const step = nextStep(test, done);
  const { fault } = error;
  const failed = (of: TestFault, more: Partial<StepResult> = {}): StepResult => ({
    step,
    ok: false,
    fault: of,
    ...more,
  });
  switch (fault.kind) {
    case 'unresolved':
      return { step: 'resolve', ok: false, fault: 'nameUnknown' };
    case 'refused':
      return failed((await notServing(options, test)) ?? 'connectionRefused');
    case 'timeout':
      return failed('timeout');
    case 'closed':
      return failed((await notServing(options, test)) ?? 'connectionClosed');
    case 'certificate-expired':
      return { step: 'tls', ok: false, fault: 'certificateExpired' };
    case 'certificate-name':
      return { step: 'tls', ok: false, fault: 'certificateName', certificateNames: fault.names.slice(0, NAMES) };
    case 'certificate-authority':
      return { step: 'tls', ok: false, fault: 'certificateAuthority' };
    case 'tls':
      return { step: 'tls', ok: false, fault: (await notServing(options, test)) ?? 'tlsFailed' };
    case 'answer':
      return failed(await reasonFor(options, test, fault.text), { answer: fault.text.slice(0, WORDS) });
    case 'other':
      return failed('unavailable', { answer: error.message.slice(0, WORDS) });
  }
}

/** Behind the last one that was done. */
function nextStep({ setting }: SettingsTest, done: readonly StepResult[]): TestStep {
  const order: readonly TestStep[] =
    setting.encryption === 'SSL'
      ? ['connect', 'tls', 'greeting', 'logon', 'open']
      : setting.encryption === 'TLS'
        ? ['connect', 'greeting', 'tls', 'logon', 'open']
        : ['connect', 'greeting', 'logon', 'open'];
  return order.find((step) => !done.some((one) => one.step === step)) ?? 'open';
}

/** Why the front door said no: what the directory knows says it better than the words of three protocols. */
async function reasonFor({ directory }: SettingsTestOptions, test: SettingsTest, answer: string): Promise<TestFault> {
  const { mailbox: named } = await namedLogon(directory, test.userName);
  const mailbox = named === null ? test.person : await mailboxNamed(directory, named);
  const refused = await refusedNow(directory, {
    account: test.person.id,
    mailbox: mailbox?.id ?? test.person.id,
    protocol: LOGON_PROTOCOL[test.protocol],
  });
  switch (refused?.reason) {
    case undefined:
      break;
    case 'protocol-disabled':
      return 'protocolDisabled';
    case 'administrator':
      return 'administrator';
    case 'account-disabled':
    case 'account-removed':
    case 'guest':
    case 'anonymous':
      return 'accountDisabled';
    case 'no-mailbox':
    case 'account-without-mailbox':
      return 'noMailbox';
    case 'administrator-mailbox':
    case 'no-full-access':
    case 'two-mailboxes':
    case 'unknown-mailbox':
      return 'noAccess';
    // Of a session that is open; which app password was typed here only the answer's words tell.
    case 'app-password-removed':
    case 'app-password-protocol':
      return 'refused';
  }
  const serving = await notServing({ directory }, { ...test, person: mailbox ?? test.person });
  return serving ?? (/\[(LIMIT|LOGIN-DELAY|IN-USE|INUSE)\]/.test(answer) ? 'busy' : 'refused');
}

/** Null: as far as the directory says, everything runs that the test needs. */
async function notServing(
  { directory }: Pick<SettingsTestOptions, 'directory'>,
  { person, protocol }: SettingsTest,
): Promise<TestFault | null> {
  const { state } = (await ownSettings(directory, person)).protocols[protocol];
  switch (state) {
    case 'back-end-stopped':
      return 'backEndStopped';
    case 'front-end-stopped':
      return 'frontEndStopped';
    case 'out-of-service':
      return 'outOfService';
    case 'running':
      return null;
  }
}
