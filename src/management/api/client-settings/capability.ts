/**
 * `urn:penfold:params:jmap:client-settings`: the page `Settings for POP or IMAP access` and its `Test my settings`
 * (ADR 12 §2). One record a person, `singleton`, whose state changes when the directory does, so that an open page has
 * new values within a second. Stands here because the test logs on by the probes of management.
 */
import { hash } from 'node:crypto';
import type { Directory } from '../../../directory/api.ts';
import type { Account, ConnectionSetting } from '../../../directory/model.ts';
import type { Log } from '../../../observe/log.ts';
import { RateLimiter } from '../../../smtp/server/rate-limit.ts';
import { MethodArguments } from '../../../web/jmap/arguments.ts';
import type { Capability, JmapContext } from '../../../web/jmap/capability.ts';
import type { Method, MethodCall } from '../../../web/jmap/dispatch.ts';
import type { JsonObject } from '../../../web/jmap/json.ts';
import { MethodError } from '../../../web/jmap/method-error.ts';
import { PASSWORD_BYTES } from '../../../wire/limits.ts';
import { concernsOwnSettings, MAIL_PROTOCOLS, type OwnSettings, ownSettings } from './own-settings.ts';
import { type SettingsTestOptions, type StepResult, testSettings } from './settings-test.ts';

export const CLIENT_SETTINGS = 'urn:penfold:params:jmap:client-settings';
export const CLIENT_SETTINGS_TYPE = 'ClientSettings';
const ID = 'singleton';
const PROPERTIES = ['id', 'pop', 'imap', 'smtp', 'mailboxes', 'autoconfigUrl', 'appleProfileUrl'] as const;

/** Tests of one person: each is a logon on this server and a connection to wherever the admin says. */
export const TESTS_IN_TEN_MINUTES = 30;
export const TESTS_AT_ONCE = 3;
const TEN_MINUTES_MS = 600_000;

export interface ClientSettingsOptions extends SettingsTestOptions {
  readonly log: Log;
}

export function clientSettingsCapability(options: ClientSettingsOptions): Capability {
  const { directory } = options;
  return {
    uri: CLIENT_SETTINGS,
    describe: async () => ({}),
    describeAccount: async ({ owner }, user) => (owner.id === user.id ? {} : null),
    methods: [get(directory), test(options)],
    withoutMailbox: true,
    directoryTypes: [
      {
        type: CLIENT_SETTINGS_TYPE,
        concerns: (change, { owner }, user) =>
          owner.id === user.id &&
          concernsOwnSettings(change) &&
          // What changes about other people's accounts is no matter of his.
          (change.kind !== 'account' || change.id === null || change.id === user.id),
        state: async (_account, user) => stateOf(recordOf(await ownSettings(directory, user))),
      },
    ],
  };
}

const stateOf = (record: JsonObject): string => hash('sha256', JSON.stringify(record), 'base64url').slice(0, 22);

function get(directory: Directory): Method<JmapContext> {
  return {
    name: 'ClientSettings/get',
    capability: CLIENT_SETTINGS,
    run: async ({ context, args: given }) => {
      const args = new MethodArguments(given, ['accountId', 'ids', 'properties']);
      const accountId = ownAccount(args, context);
      const ids = args.ids('ids');
      const properties = args.strings('properties');
      const unknown = properties?.find((one) => !PROPERTIES.some((known) => known === one));
      if (unknown !== undefined)
        throw new MethodError('invalidArguments', `there is no property ${unknown.slice(0, 100)}`);
      const record = recordOf(await ownSettings(directory, context.user));
      const shown = Object.entries(record).filter(
        ([name]) => name === 'id' || properties === null || properties.includes(name),
      );
      return {
        accountId,
        state: stateOf(record),
        list: ids === null || ids.includes(ID) ? [Object.fromEntries(shown)] : [],
        notFound: [...new Set(ids ?? [])].filter((id) => id !== ID),
      };
    },
  };
}

/** Settings are a person's, so those of shared mailboxes stand in his record. @throws MethodError accountNotFound */
function ownAccount(args: MethodArguments, { user }: JmapContext): string {
  const id = args.id('accountId');
  if (id !== user.id) throw new MethodError('accountNotFound', 'client settings are those of your own account');
  return id;
}

function recordOf({ protocols, mailboxes, isAutomatic }: OwnSettings): JsonObject {
  const address = mailboxes.find((one) => one.isOwn)?.address;
  const link = (path: string, parameter: string): string | null =>
    isAutomatic && address !== undefined ? `${path}?${parameter}=${encodeURIComponent(address)}` : null;
  return {
    id: ID,
    ...Object.fromEntries(
      MAIL_PROTOCOLS.map((protocol) => {
        const { external, internal, refused, state } = protocols[protocol];
        return [protocol, { external: sideOf(external), internal: sideOf(internal), refused, state }];
      }),
    ),
    mailboxes: mailboxes.map(({ account, name, address, isOwn, userNames }) => ({
      accountId: account,
      name,
      address,
      isOwn,
      userNames,
    })),
    autoconfigUrl: link('/.well-known/autoconfig/mail/config-v1.1.xml', 'emailaddress'),
    appleProfileUrl: link('/discovery/apple.mobileconfig', 'address'),
  };
}

/** Null: not available. */
function sideOf(settings: readonly ConnectionSetting[]): JsonObject | null {
  const [preferred, ...alternatives] = settings.map(({ host, port, encryption }) => ({ host, port, encryption }));
  return preferred === undefined ? null : { preferred, alternatives };
}

function test(options: ClientSettingsOptions): Method<JmapContext> {
  const { directory } = options;
  const log = options.log.child({ part: 'client-settings' });
  const rates = new RateLimiter();
  const atOnce = new Map<string, number>();
  const refusedForNow = (user: Account): number => {
    if ((atOnce.get(user.id) ?? 0) >= TESTS_AT_ONCE) return 1;
    return rates.take(user.id, TESTS_IN_TEN_MINUTES, performance.now(), TEN_MINUTES_MS);
  };
  return {
    name: 'ClientSettings/test',
    capability: CLIENT_SETTINGS,
    run: async (call) => {
      const { user, remoteAddress } = call.context;
      const { accountId, protocol, setting, userName, password } = await readTest(directory, call);
      const wait = refusedForNow(user);
      if (wait > 0)
        throw new MethodError(
          'rateLimit',
          `at most ${TESTS_IN_TEN_MINUTES} tests in ten minutes and ${TESTS_AT_ONCE} at a time`,
          { retryAfter: wait },
        );
      atOnce.set(user.id, (atOnce.get(user.id) ?? 0) + 1);
      try {
        const steps = await testSettings(options, {
          person: user,
          protocol,
          setting,
          userName,
          password,
          remoteAddress,
          signal: call.signal,
        });
        const failed = steps.find(({ ok }) => !ok);
        log.info(
          { user: user.userPrincipalName, protocol, host: setting.host, port: setting.port, fault: failed?.fault },
          'settings tested',
        );
        return { accountId, isPassed: failed === undefined, steps: steps.map(stepObject) };
      } finally {
        const rest = (atOnce.get(user.id) ?? 1) - 1;
        if (rest > 0) atOnce.set(user.id, rest);
        else atOnce.delete(user.id);
      }
    },
  };
}

const stepObject = (step: StepResult): JsonObject => ({ ...step });

/** Nothing but what the page shows can be tested: this is no way to look for open ports. @throws MethodError */
async function readTest(directory: Directory, { context, args: given }: MethodCall<JmapContext>) {
  const args = new MethodArguments(given, [
    'accountId',
    'protocol',
    'host',
    'port',
    'encryption',
    'userName',
    'password',
  ]);
  const accountId = ownAccount(args, context);
  const word = args.optionalText('protocol');
  const protocol = MAIL_PROTOCOLS.find((one) => one === word);
  if (protocol === undefined)
    throw new MethodError('invalidArguments', `protocol must be ${MAIL_PROTOCOLS.join(', ')}`);
  const own = await ownSettings(directory, context.user);
  const [host, port, encryption] = [
    args.optionalText('host'),
    args.whole('port', 1, 0),
    args.optionalText('encryption'),
  ];
  const { external, internal } = own.protocols[protocol];
  const setting = [...external, ...internal].find(
    (one) => one.host === host && one.port === port && one.encryption === encryption,
  );
  if (setting === undefined)
    throw new MethodError('forbidden', 'only the settings that are shown can be tested; look them up once more');
  const userName = args.optionalText('userName') ?? '';
  if (!own.mailboxes.some(({ userNames }) => userNames[protocol] === userName))
    throw new MethodError('forbidden', 'only the user names that are shown can be tested');
  const password = args.optionalText('password') ?? '';
  if (password === '' || Buffer.byteLength(password) > PASSWORD_BYTES)
    throw new MethodError('invalidArguments', `password must be 1–${PASSWORD_BYTES} bytes long`);
  return { accountId, protocol, setting, userName, password };
}
