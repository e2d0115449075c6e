/** A whole server as `penfold start` makes it, in a process of its own, and how clients reach it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'node:tls';
import * as v from 'valibot';
import { type ChildServer, startChild } from './child-server.ts';
import { RawImap } from './raw-imap.ts';

const LOOK_MS = 10;

export interface Place {
  readonly port: number;
  readonly host: string;
}

export interface DemoServer {
  readonly child: ChildServer;
  /** TLS from the first byte. */
  readonly imap: Place;
  /** For mail from outside. */
  readonly smtp: Place;
  /** PEM of the authority. */
  readonly ca: string;
  readonly mailboxes: ReadonlyArray<{ readonly address: string; readonly password: string }>;
}

const listener = v.object({ host: v.string(), port: v.number(), security: v.string() });
const readySchema = v.object({
  pid: v.number(),
  ca: v.string(),
  imap: v.array(listener),
  smtp: v.array(listener),
  mailboxes: v.array(v.object({ address: v.string(), password: v.string() })),
});

/** @param data its data directory; a file beside it tells when it is ready */
export async function startDemo(data: string, ...words: readonly string[]): Promise<DemoServer> {
  const readyFile = path.join(path.dirname(data), 'ready.json');
  const child = await startChild(['start', '--data', data, '--ready-file', readyFile, ...words], /Ctrl-C stops it/);
  // The file of a server that was killed stays where it was until this one writes its own.
  for (;;) {
    const text = existsSync(readyFile) ? await readFile(readyFile, 'utf8') : 'null';
    const ready = v.parse(v.nullable(readySchema), JSON.parse(text));
    if (ready?.pid !== child.pid) {
      await delay(LOOK_MS);
      continue;
    }
    const [imap] = ready.imap;
    const smtp = ready.smtp[2];
    assert.ok(imap !== undefined && smtp !== undefined);
    return { child, imap, smtp, ca: await readFile(ready.ca, 'utf8'), mailboxes: ready.mailboxes };
  }
}

/** Logged on with TLS. @param index of the mailbox, counted round and round */
export async function imapLogon(server: DemoServer, index: number): Promise<RawImap> {
  const user = server.mailboxes[index % server.mailboxes.length];
  if (user === undefined) throw new Error('the server has no mailbox');
  const socket = connect({ ...server.imap, ca: server.ca });
  await once(socket, 'secureConnect');
  const client = await RawImap.greeted(socket);
  const { status } = await client.command(`LOGIN ${user.address} "${user.password}"`);
  if (!status.startsWith('OK')) throw new Error(`logon failed: ${status}`);
  return client;
}
