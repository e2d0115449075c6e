/**
 * Logs on by IMAP4 as a client would; in full mode finds the test message, deletes it and those older than a day
 * (exchange-behaviour.md §10). Speaks the least that every server understands, so that it tests Dovecot as well.
 */
import { Buffer } from 'node:buffer';
import { setTimeout as delay } from 'node:timers/promises';
import { LineClient } from './line-client.ts';
import { answered, ProbeError } from './probe-error.ts';
import {
  LEFT_OVER_HOURS,
  LOOK_AGAIN_MS,
  type ProbeOptions,
  subjectOf,
  TEST_SUBJECT,
  type TestMessage,
} from './probe.ts';

/** @throws ProbeError */
export async function probeImap(options: ProbeOptions): Promise<void> {
  const client = await LineClient.connect(options.target, options.perConnectionTimeoutMs, options);
  try {
    const imap = new ImapProbe(client);
    await imap.greeting();
    options.onStep?.('greeting');
    if (options.target.connectionType === 'Tls') {
      await imap.run('STARTTLS');
      await client.startTls();
    }
    await options.beforeLogon?.();
    await imap.logOn(options.credential.user, options.credential.password);
    options.onStep?.('logon');
    if (options.opensInbox === true) {
      await imap.run('EXAMINE INBOX');
      options.onStep?.('open');
    }
    if (options.message !== null) await imap.findAndDelete(options.message, options);
    await imap.run('LOGOUT');
  } finally {
    client.close();
  }
}

class ImapProbe {
  readonly #client: LineClient;
  #tag = 0;

  constructor(client: LineClient) {
    this.#client = client;
  }

  async greeting(): Promise<void> {
    const line = await this.#client.line();
    if (!/^\* (OK|PREAUTH)/i.test(line)) throw answered('IMAP', line);
  }

  /** Untagged lines. `continuation` answers a `+`. */
  async run(command: string, continuation: string | null = null): Promise<readonly string[]> {
    this.#tag += 1;
    const tag = `p${this.#tag}`;
    this.#client.send(`${tag} ${command}`);
    const untagged: string[] = [];
    for (;;) {
      const line = await this.#client.line();
      if (line.startsWith('+') && continuation !== null) this.#client.send(continuation);
      else if (!line.startsWith(`${tag} `)) untagged.push(line);
      else if (/^\S+ OK/i.test(line)) return untagged;
      else throw answered('IMAP', line);
    }
  }

  async logOn(user: string, password: string): Promise<void> {
    const offered = (await this.run('CAPABILITY')).join(' ').toUpperCase();
    if (offered.includes('AUTH=PLAIN')) {
      await this.run('AUTHENTICATE PLAIN', Buffer.from(`\0${user}\0${password}`).toString('base64'));
    } else if (offered.includes('LOGINDISABLED')) {
      throw new ProbeError('the server takes no password on this connection (LOGINDISABLED): use TLS');
    } else await this.run(`LOGIN ${quoted(user)} ${quoted(password)}`);
  }

  async findAndDelete(
    message: TestMessage,
    { timeoutMs, signal }: Pick<ProbeOptions, 'timeoutMs' | 'signal'>,
  ): Promise<void> {
    await this.run('SELECT INBOX');
    const until = performance.now() + timeoutMs;
    let found: readonly string[] = [];
    while (found.length === 0) {
      found = await this.#search(`SUBJECT ${quoted(subjectOf(message))}`);
      if (found.length > 0) break;
      signal?.throwIfAborted();
      if (performance.now() > until) throw new ProbeError('the test message was sent and did not appear in the Inbox');
      await delay(LOOK_AGAIN_MS);
      await this.run('NOOP');
    }
    const before = new Date(Date.now() - LEFT_OVER_HOURS * 3_600_000);
    const old = await this.#search(`SUBJECT ${quoted(TEST_SUBJECT)} BEFORE ${imapDate(before)}`);
    await this.run(`UID STORE ${[...found, ...old].join(',')} +FLAGS.SILENT (\\Deleted)`);
    await this.run('EXPUNGE');
  }

  async #search(criteria: string): Promise<readonly string[]> {
    const lines = await this.run(`UID SEARCH ${criteria}`);
    return lines
      .filter((line) => /^\* SEARCH/i.test(line))
      .flatMap((line) => line.split(' ').slice(2))
      .filter((word) => /^\d+$/.test(word));
  }
}

/** RFC 3501 §9 quoted. */
function quoted(text: string): string {
  if (/[\r\n\0]/.test(text)) throw new ProbeError('a user name or password with a line break cannot be sent');
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const imapDate = (date: Date): string => `${date.getUTCDate()}-${MONTHS[date.getUTCMonth()]}-${date.getUTCFullYear()}`;
