/**
 * Logs on by POP3 as a client would; in full mode finds the test message and deletes it (exchange-behaviour.md §10).
 */
import { setTimeout as delay } from 'node:timers/promises';
import { LineClient } from './line-client.ts';
import { answered, ProbeError } from './probe-error.ts';
import { LOOK_AGAIN_MS, type ProbeOptions, subjectOf, type TestMessage } from './probe.ts';

/** Newest messages that are looked through for the test message. */
const LOOK_AT = 50;

/** @throws ProbeError */
export async function probePop(options: ProbeOptions): Promise<void> {
  const until = performance.now() + options.timeoutMs;
  // A maildrop is a snapshot (RFC 1939 §8): a message that comes later is seen by the next session.
  while (!(await onePass(options))) {
    options.signal?.throwIfAborted();
    if (performance.now() > until) throw new ProbeError('the test message was sent and did not appear in the Inbox');
    await delay(LOOK_AGAIN_MS);
  }
}

/** False: the test message is not there yet. */
async function onePass(options: ProbeOptions): Promise<boolean> {
  const { target, credential, perConnectionTimeoutMs, message } = options;
  const client = await LineClient.connect(target, perConnectionTimeoutMs, options);
  try {
    await expectOk(client);
    options.onStep?.('greeting');
    if (target.connectionType === 'Tls') {
      await command(client, 'STLS');
      await client.startTls();
    }
    if (/[\r\n]/.test(credential.user + credential.password)) {
      throw new ProbeError('a user name or password with a line break cannot be sent');
    }
    await options.beforeLogon?.();
    await command(client, `USER ${credential.user}`);
    await command(client, `PASS ${credential.password}`);
    options.onStep?.('logon');
    if (options.opensInbox === true) {
      await command(client, 'STAT');
      options.onStep?.('open');
    }
    const found = message === null ? true : await deleteMessage(client, message);
    await command(client, 'QUIT');
    return found;
  } finally {
    client.close();
  }
}

async function deleteMessage(client: LineClient, message: TestMessage): Promise<boolean> {
  const count = Number((await command(client, 'STAT')).split(' ')[1] ?? 0);
  const wanted = subjectOf(message);
  let found = false;
  // Either sort order (MessageRetrievalSortOrder): the newest are at one of the ends.
  const newest = new Set<number>();
  for (let i = 0; i < Math.min(LOOK_AT, count); i += 1) newest.add(count - i).add(i + 1);
  for (const number of newest) {
    await command(client, `TOP ${number} 0`);
    let subject = false;
    for (let line = await client.line(); line !== '.'; line = await client.line()) {
      if (/^subject:/i.test(line) && line.includes(wanted)) subject = true;
    }
    if (!subject) continue;
    await command(client, `DELE ${number}`);
    found = true;
  }
  return found;
}

async function command(client: LineClient, line: string): Promise<string> {
  client.send(line);
  return expectOk(client);
}

async function expectOk(client: LineClient): Promise<string> {
  const line = await client.line();
  if (!line.startsWith('+OK')) throw answered('POP3', line);
  return line;
}
