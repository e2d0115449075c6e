/**
 * A running server with a published name that only the probe resolves, and the capability as the web host has it: for
 * tests of `Settings for POP or IMAP access` (issue 5, §1 and Must show 2).
 */
import assert from 'node:assert/strict';
import type { LookupFunction } from 'node:net';
import { createAuthenticator } from '../../../src/auth/authenticator.ts';
import { THROTTLE_LIMITS, Throttle } from '../../../src/auth/throttle.ts';
import { controlSocketPath } from '../../../src/config/data-directory.ts';
import { defaultConfiguration } from '../../../src/config/read.ts';
import { clientSettingsCapability } from '../../../src/management/api/client-settings/capability.ts';
import type { RawArguments } from '../../../src/management/binding.ts';
import { type Door, doorOverSocket } from '../../../src/management/door-client.ts';
import type { Capability } from '../../../src/web/jmap/capability.ts';
import type { Json, JsonObject } from '../../../src/web/jmap/json.ts';
import {
  type LogLine,
  recordingLog,
  startOrganization,
  type TestOrganization,
  type TestUser,
} from '../../support/organization.ts';
import { callMethod } from '../web-capability.ts';

/** The second certificate covers it. */
export const HOST = 'dublin01.example.test';
/** Where the person sits who tests. */
export const AWAY = '192.0.2.7';
export const PASSED = ['resolve', 'connect', 'tls', 'greeting', 'logon', 'open'];

export const at = (value: Json | undefined, ...keys: ReadonlyArray<string | number>): unknown => {
  let found: unknown = value;
  for (const key of keys) found = typeof found === 'object' && found !== null ? Reflect.get(found, key) : undefined;
  return found;
};

/** Nobody resolves the published name here; of `nowhere.test` nobody knows. */
const lookup: LookupFunction = (name, options, callback) => {
  if (name === 'nowhere.test') callback(Object.assign(new Error('not found'), { code: 'ENOTFOUND' }), '');
  else if (options.all === true) callback(null, [{ address: '127.0.0.1', family: 4 }]);
  else callback(null, '127.0.0.1', 4);
};

export interface Tested {
  readonly protocol: 'pop' | 'imap' | 'smtp';
  readonly host: string;
  readonly port: number;
  readonly encryption: 'SSL' | 'TLS' | 'none';
  readonly userName: string;
  readonly password: string;
}

export class ClientSettingsStage {
  readonly organization: TestOrganization;
  readonly alice: TestUser;
  readonly bob: TestUser;
  readonly #door: Door;
  #fresh: { readonly capability: Capability; readonly throttle: Throttle; readonly logged: readonly LogLine[] };

  private constructor(organization: TestOrganization) {
    this.organization = organization;
    this.alice = organization.user(0);
    this.bob = organization.user(1);
    const socket = controlSocketPath(organization.layout, defaultConfiguration().control.socket);
    this.#door = doorOverSocket(socket, { via: 'command', user: 'tester' });
    this.#fresh = this.#made(organization.ca);
  }

  /** Users alice, bob and sales. */
  static async open(): Promise<ClientSettingsStage> {
    return new ClientSettingsStage(
      await startOrganization({ engine: 'memory', users: ['alice', 'bob', 'sales'], furtherCertificate: [HOST] }),
    );
  }

  get capability(): Capability {
    return this.#fresh.capability;
  }

  get throttle(): Throttle {
    return this.#fresh.throttle;
  }

  get logged(): readonly LogLine[] {
    return this.#fresh.logged;
  }

  /** Nothing is published; counters begin anew. */
  async reset(): Promise<void> {
    this.#fresh = this.#made(this.organization.ca);
    for (const noun of ['Pop', 'Imap'])
      await this.run(`Set-${noun}Settings`, { ExternalConnectionSettings: null, InternalConnectionSettings: null });
    await this.run('Set-ReceiveConnector', { 1: 'Client Frontend TEST', AdvertiseClientSettings: false });
  }

  /** Another authority counts as the organization's own. */
  trust(authorityPem: string): void {
    this.#fresh = this.#made(authorityPem);
  }

  #made(authorityPem: string) {
    const { directory } = this.organization;
    const throttle = new Throttle({ ...THROTTLE_LIMITS, delayMs: 0, lockAfter: 3 });
    const { log, lines: logged } = recordingLog();
    const capability = clientSettingsCapability({
      directory,
      authenticator: createAuthenticator({ directory, throttle, log }),
      authorityPem: () => Promise.resolve(authorityPem),
      lookup,
      log,
    });
    return { capability, throttle, logged };
  }

  /** Resolves when the change is in effect. */
  async run(name: string, args: RawArguments = {}): Promise<void> {
    const options = {
      whatIf: false,
      confirm: false,
      input: null,
      signal: new AbortController().signal,
      onWarning: () => {},
      onProgress: () => {},
    };
    for await (const _ of this.#door.run(name, args, options));
    await this.organization.running.settled();
  }

  publish(protocol: 'Pop' | 'Imap', ...settings: readonly string[]): Promise<void> {
    return this.run(`Set-${protocol}Settings`, { ExternalConnectionSettings: settings });
  }

  publishImap(host = HOST): Promise<void> {
    return this.publish('Imap', `${host}:${this.organization.imap.tls}:SSL`);
  }

  /** The answer of ClientSettings/get. */
  async get(user = this.alice, more: object = {}): Promise<JsonObject> {
    const args = { accountId: user.account.id, ids: null, ...more };
    const [name, answer] = await callMethod(this.capability, { user: user.account }, 'ClientSettings/get', args);
    assert.equal(name, 'ClientSettings/get', JSON.stringify(answer));
    return answer;
  }

  /** A member of the record. */
  async shown(user: TestUser, ...keys: readonly string[]): Promise<unknown> {
    return at(await this.get(user), 'list', 0, ...keys);
  }

  call(change: Partial<Tested> = {}, user = this.alice): Promise<readonly [string, JsonObject]> {
    return callMethod(this.capability, { user: user.account, remoteAddress: AWAY }, 'ClientSettings/test', {
      accountId: user.account.id,
      protocol: 'imap',
      host: HOST,
      port: this.organization.imap.tls,
      encryption: 'SSL',
      userName: user.address,
      password: user.password,
      ...change,
    });
  }

  /** `step` and `step:fault`, in their order. */
  async tested(change: Partial<Tested> = {}, user = this.alice): Promise<readonly string[]> {
    const [name, answer] = await this.call(change, user);
    assert.equal(name, 'ClientSettings/test', JSON.stringify(answer));
    assert.ok(Array.isArray(answer['steps']));
    const words = answer['steps'].map((one) => {
      const [step, fault] = [at(one, 'step'), at(one, 'fault')];
      assert.ok(typeof step === 'string' && (fault === undefined || typeof fault === 'string'));
      return fault === undefined ? step : `${step}:${fault}`;
    });
    assert.equal(answer['isPassed'], !words.some((one) => one.includes(':')));
    return words;
  }
}
