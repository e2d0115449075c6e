/**
 * A running server whose settings are changed through its real door, the control socket, while clients talk to it.
 * Two certificates: one for localhost, one for mail.example.test. Alice has a message in HTML and an invitation.
 */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { createServer, connect, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { controlSocketPath } from '../../src/config/data-directory.ts';
import { defaultConfiguration } from '../../src/config/read.ts';
import type { RawArguments } from '../../src/management/binding.ts';
import type { CmdletObject, RawArgument } from '../../src/management/cmdlet.ts';
import { type Door, doorOverSocket } from '../../src/management/door-client.ts';
import { idleWheel, type Timed } from '../../src/wire/timer-wheel.ts';
import { only, shownText } from '../management/in-memory-organization.ts';
import { startOrganization, type TestOrganization, type TestUser } from '../support/organization.ts';
import { RawImap } from '../support/raw-imap.ts';
import { Talk } from './talk.ts';

/** Of the second certificate. */
export const OTHER_NAME = 'mail.example.test';
/** A change counts at the latest after so long (issue 3, part 3). */
const WITHIN_MS = 1_000;

export const HTML =
  'From: a@example.org\r\nSubject: rich\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Hello <b>you</b></p>\r\n';
export const INVITATION =
  'From: a@example.org\r\nSubject: lunch\r\nMIME-Version: 1.0\r\nContent-Type: text/calendar; method=REQUEST; charset=utf-8\r\n\r\n' +
  'BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:lunch-1\r\nSUMMARY:Lunch\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n';

export const IMAP_ANSWER = /^a (?:OK|NO|BAD) .*\r\n$/m;
export const LINE = /\r\n$/;
export const POP_LIST = /\r\n\.\r\n$|^-ERR.*\r\n$/;
export const SMTP_REPLY = /(?:^|\r\n)\d{3} [^\r\n]*\r\n$/;

interface IdleDeadline {
  readonly entry: Timed;
  readonly ms: number;
}

export class SettingsStage {
  readonly organization: TestOrganization;
  /** A port of this machine that nobody has. */
  readonly furtherPort: number;
  readonly #door: Door;
  readonly #talks = new Set<Talk>();
  #deadline: IdleDeadline | null = null;

  private constructor(organization: TestOrganization, furtherPort: number) {
    this.organization = organization;
    this.furtherPort = furtherPort;
    const socket = controlSocketPath(organization.layout, defaultConfiguration().control.socket);
    this.#door = doorOverSocket(socket, { via: 'command', user: 'tester' });
    const set = idleWheel.set.bind(idleWheel);
    // By hand: a mock of node:test would remember every call, with its stack.
    idleWheel.set = (entry, ms) => {
      this.#deadline = { entry, ms };
      set(entry, ms);
    };
  }

  static async open(users: readonly string[] = ['alice', 'bob']): Promise<SettingsStage> {
    const organization = await startOrganization({ engine: 'memory', users, furtherCertificate: [OTHER_NAME] });
    const stage = new SettingsStage(organization, await freePort());
    await stage.#fill();
    return stage;
  }

  get alice(): TestUser {
    return this.organization.user(0);
  }

  get bob(): TestUser {
    return this.organization.user(1);
  }

  async close(): Promise<void> {
    Reflect.deleteProperty(idleWheel, 'set');
    await this.organization.stop();
  }

  async run(name: string, args: RawArguments = {}): Promise<CmdletObject[]> {
    const objects: CmdletObject[] = [];
    const options = {
      whatIf: false,
      confirm: false,
      input: null,
      signal: new AbortController().signal,
      onWarning: () => {},
      onProgress: () => {},
    };
    for await (const object of this.#door.run(name, args, options)) objects.push(object);
    return objects;
  }

  async get(noun: string, identity: RawArguments, name: string): Promise<string> {
    return shownText(only(await this.run(`Get-${noun}`, identity))[name]);
  }

  /** Resolves when the change is in effect. */
  async set(noun: string, identity: RawArguments, name: string, value: RawArgument): Promise<void> {
    await this.run(`Set-${noun}`, { ...identity, [name]: value });
    const began = performance.now();
    await this.organization.running.settled();
    const took = performance.now() - began;
    assert.ok(took < WITHIN_MS, `${name} took ${took} ms to count`);
  }

  async talk(port: number): Promise<Talk> {
    const socket = connect(port, this.organization.host);
    await once(socket, 'connect');
    return this.#kept(socket);
  }

  /** `servername` null: the client names no host. */
  async talkTls(port: number, servername: string | null = 'localhost'): Promise<Talk> {
    return this.#kept(await this.#secured(port, servername));
  }

  /** Common name of the certificate that a client gets, or its serial number. */
  async certificateOn(port: number, servername: string | null, what: 'name' | 'serial' = 'name'): Promise<string> {
    const socket = await this.#secured(port, servername);
    const { subject, serialNumber } = socket.getPeerCertificate();
    await this.#kept(socket).close();
    return what === 'serial' ? serialNumber : String(subject.CN);
  }

  /** The greeting of a port, or `refused`. */
  async greeting(port: number): Promise<string> {
    try {
      return await (await this.talk(port)).until(LINE);
    } catch (error) {
      assert.equal(error instanceof Error && Reflect.get(error, 'code'), 'ECONNREFUSED');
      return 'refused';
    }
  }

  async imap(user: TestUser = this.alice): Promise<Talk> {
    const talk = await this.talkTls(this.organization.imap.tls);
    await talk.until(LINE);
    await say(talk, `a LOGIN ${user.address} "${user.password}"`, IMAP_ANSWER, /^a OK/m);
    return talk;
  }

  async pop(user: TestUser = this.alice): Promise<Talk> {
    const talk = await this.talkTls(this.organization.pop3.tls);
    await talk.until(LINE);
    await say(talk, `USER ${user.address}`, LINE, /^\+OK/);
    await say(talk, `PASS ${user.password}`, LINE, /^\+OK/);
    return talk;
  }

  /** Greeting and EHLO are behind it. */
  async smtp(port: number = this.organization.smtp.inbound): Promise<Talk> {
    const talk = await this.talk(port);
    await talk.until(SMTP_REPLY);
    await say(talk, 'EHLO client.example.com', SMTP_REPLY, /^250/);
    return talk;
  }

  /** The deadline that was set last, by whatever session: ask when only one has just spoken. */
  get deadline(): IdleDeadline {
    return this.#deadline ?? assert.fail('no session waits');
  }

  /** The time that was set last is over now. */
  expire(): void {
    const { entry } = this.deadline;
    idleWheel.clear(entry);
    entry.fire();
  }

  /** No place of any limit is taken afterwards. */
  async everybodyLeaves(): Promise<void> {
    const talks = [...this.#talks];
    this.#talks.clear();
    for (const talk of talks) await talk.close();
  }

  async #secured(port: number, servername: string | null): Promise<TLSSocket> {
    const { ca, host } = this.organization;
    const name = servername === null ? {} : { servername };
    const socket = connectTls({ port, host, ca, ...name, checkServerIdentity: () => undefined });
    await once(socket, 'secureConnect');
    return socket;
  }

  #kept(socket: Socket): Talk {
    const talk = new Talk(socket);
    this.#talks.add(talk);
    return talk;
  }

  async #fill(): Promise<void> {
    const { alice, organization } = this;
    const imap = await RawImap.greeted(await this.#secured(organization.imap.tls, 'localhost'));
    await imap.command(`LOGIN ${alice.address} "${alice.password}"`);
    for (const message of [HTML, INVITATION]) {
      assert.match((await imap.command('APPEND INBOX', Buffer.from(message))).status, /^OK/);
    }
    await imap.command('CREATE Secret');
    imap.hangUp();
    assert.ok(alice.account.mailbox !== null);
    const mailbox = await organization.databaseOf(alice.account).open(alice.account.mailbox.id);
    const secret = mailbox.folderByName('Secret');
    assert.ok(secret !== null);
    await mailbox.changeFolder(secret.id, { hidden: true });
    mailbox.close();
  }
}

/** One line and its answer. @throws Error with both when `expected` does not fit */
export async function say(talk: Talk, line: string, end: RegExp, expected?: RegExp): Promise<string> {
  talk.send(`${line}\r\n`);
  const answer = await talk.until(end);
  if (expected !== undefined && !expected.test(answer)) throw new Error(`${line}: ${answer}`);
  return answer;
}

export async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  assert.ok(address !== null && typeof address === 'object');
  listener.close();
  await once(listener, 'close');
  return address.port;
}
