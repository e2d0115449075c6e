/** A mailbox and a loopback server whose connections are POP3 sessions behind their logon: no front end needed. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import { silentLog } from '../../../src/observe/log.ts';
import { createPop3Session, type Pop3Settings } from '../../../src/pop3/session.ts';
import type { Mailbox, MailboxDatabase } from '../../../src/store/api.ts';
import { DELETED, mailboxId, SEEN } from '../../../src/store/model.ts';
import { Connection } from '../../../src/wire/connection.ts';
import { connected, type Stage } from '../../support/dialogue.ts';
import type { SetUp } from '../../support/dialogue-script.ts';

export interface Pop3Stage extends Stage {
  readonly database: MailboxDatabase;
  readonly mailbox: Mailbox;
  readonly settings: { -readonly [Name in keyof Pop3Settings]: Pop3Settings[Name] };
  readonly drain: AbortController;
  /** What the next session is given by front end and directory. */
  readonly agreed: { utf8: boolean; language: string | null; password: boolean; keepMessages: boolean };
  /** UIDs of messages that were sent whole, with the first octets of each. */
  readonly downloads: Array<{ readonly uid: number; readonly start: string }>;
  /** Resolves when no session is running. */
  idle(): Promise<void>;
}

/** `database` is closed with the stage. */
export async function openPop3Stage(database: MailboxDatabase): Promise<Pop3Stage> {
  const id = mailboxId(randomUUID());
  const mailbox = await database.open(id);
  const settings: Pop3Stage['settings'] = {
    authenticatedConnectionTimeout: 1800,
    loginDelay: 0,
    maxCommandSize: 512,
    messageRetrievalSortOrder: 'Ascending',
  };
  const drain = new AbortController();
  const agreed: Pop3Stage['agreed'] = { utf8: false, language: null, password: true, keepMessages: false };
  const downloads: Pop3Stage['downloads'] = [];
  const sessions = new Set<Promise<void>>();
  const server = net.createServer((socket) => {
    const served = serve(socket).finally(() => sessions.delete(served));
    sessions.add(served);
  });

  async function serve(socket: net.Socket): Promise<void> {
    const connection = new Connection(socket);
    const session = await createPop3Session({
      handOver: { tls: null, pop3: { ...agreed } },
      mailbox: await database.open(id),
      settings: () => settings,
      log: silentLog,
      mechanisms: ['SCRAM-SHA-256', 'PLAIN'],
      drain: drain.signal,
      preferredLanguage: 'es',
      keepMessages: agreed.keepMessages,
      downloaded: (_view, uid, start) => {
        downloads.push({ uid, start: start.toString('latin1', 0, 200) });
        return null;
      },
    });
    await session.run(connection);
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const { port } = address;
  return {
    database,
    mailbox,
    settings,
    drain,
    agreed,
    downloads,
    connect: () => connected(net.connect(port, '127.0.0.1')),
    setUp: (steps) => fill(database, mailbox, steps, settings, agreed),
    idle: async () => {
      while (sessions.size > 0) await Promise.all(sessions);
    },
    close: async () => {
      await Promise.all(sessions);
      server.close();
      mailbox.close();
      await database.close();
    },
  };
}

/**
 * `folder INBOX order=Descending` sets the sort order; so do `unicode=on`, `language=de`, `password=off`, `keep=on`,
 * `delay=60` and `command=40` for what their names say. `message INBOX uidl=… flags=\Seen end=open` adds a message,
 * the last one without its last line end.
 */
async function fill(
  database: MailboxDatabase,
  mailbox: Mailbox,
  steps: readonly SetUp[],
  settings: Pop3Stage['settings'],
  agreed: Pop3Stage['agreed'],
): Promise<void> {
  for (const step of steps) {
    if (step.kind === 'folder') {
      const { options } = step;
      if (options.size === 0) await mailbox.createFolder(step.name);
      if (options.get('order') === 'Descending') settings.messageRetrievalSortOrder = 'Descending';
      if (options.has('command')) settings.maxCommandSize = Number(options.get('command'));
      if (options.has('delay')) settings.loginDelay = Number(options.get('delay'));
      agreed.utf8 ||= options.get('unicode') === 'on';
      agreed.keepMessages ||= options.get('keep') === 'on';
      agreed.language = options.get('language') ?? agreed.language;
      if (options.get('password') === 'off') agreed.password = false;
      continue;
    }
    const uidl = step.options.get('uidl');
    const flags = step.options.get('flags') ?? '';
    const bytes = step.options.get('end') === 'open' ? step.bytes.subarray(0, -2) : step.bytes;
    await append(database, mailbox, step.folder, bytes, {
      flags: (flags.includes('\\Seen') ? SEEN : 0) | (flags.includes('\\Deleted') ? DELETED : 0),
      ...(uidl === undefined ? {} : { uidl }),
    });
  }
}

export async function append(
  database: MailboxDatabase,
  mailbox: Mailbox,
  name: string,
  bytes: Buffer,
  options: { readonly flags?: number; readonly uidl?: string } = {},
): Promise<number> {
  const folder = mailbox.folderByName(name);
  if (folder === null) throw new Error(`set-up: there is no folder ${name}`);
  const sink = database.stage();
  await sink.write(bytes);
  const staged = await sink.finish();
  const appended = await mailbox.append(folder.id, staged, options);
  await staged.release();
  return appended.uid;
}
