/**
 * A mailbox on one engine and a loopback server whose connections are IMAP sessions already logged on: the part of a
 * server that dialogues, the checker and benchmarks need, without front end.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import type { ImapSessionOptions } from '../../src/imap/session/options.ts';
import { createImapSession } from '../../src/imap/session/session.ts';
import { silentLog } from '../../src/observe/log.ts';
import type { Mailbox, MailboxDatabase } from '../../src/store/api.ts';
import { ANSWERED, DELETED, DRAFT, FLAGGED, mailboxId, SEEN, type SpecialUse } from '../../src/store/model.ts';
import { Connection } from '../../src/wire/connection.ts';
import { connected, type Stage } from './dialogue.ts';
import type { SetUp } from './dialogue-script.ts';

/** Octets; small, so that scripts can go beyond it. */
const MAX_MESSAGE_SIZE = 100_000;
/** Octets, as the QUOTA commands tell it; these stages do not hold mailboxes to it. */
const STORAGE_LIMIT = 10 * 1024 * 1024;
const FLAG_BITS = new Map([
  ['\\Seen', SEEN],
  ['\\Answered', ANSWERED],
  ['\\Flagged', FLAGGED],
  ['\\Deleted', DELETED],
  ['\\Draft', DRAFT],
]);
const USES = ['archive', 'drafts', 'junk', 'sent', 'trash'] as const satisfies SpecialUse[];

export interface ImapStage extends Stage {
  readonly database: MailboxDatabase;
  readonly mailbox: Mailbox;
  /** Errors that reached the end of a session or a SERVERBUG answer. */
  readonly errors: unknown[];
}

/** @param database closed with the stage */
export async function openImapStage(
  database: MailboxDatabase,
  settings: Partial<ReturnType<ImapSessionOptions['settings']>> = {},
  options: { readonly endedBefore?: boolean } = {},
): Promise<ImapStage> {
  const id = mailboxId(randomUUID());
  const mailbox = await database.open(id);
  const sessions = new Set<Promise<void>>();
  const drain = new AbortController();
  const errors: unknown[] = [];
  const log = { ...silentLog, error: (fields: object) => void errors.push(Reflect.get(fields, 'err')) };
  const server = net.createServer((socket) => {
    const served = serve(socket).finally(() => sessions.delete(served));
    sessions.add(served);
  });

  async function serve(socket: net.Socket): Promise<void> {
    const connection = new Connection(socket);
    const session = createImapSession({
      id: '0000000000000001',
      mailbox: await database.open(id),
      database,
      log,
      settings: () => ({
        authenticatedConnectionTimeout: 1800,
        showHiddenFoldersEnabled: false,
        maxMessageSize: MAX_MESSAGE_SIZE,
        maxCommandSize: 10_240,
        storageLimit: () => STORAGE_LIMIT,
        ...settings,
      }),
    });
    if (options.endedBefore === true) session.end();
    drain.signal.addEventListener('abort', () => session.end());
    await new Promise<void>((resolve) => session.serve(connection, { over: resolve }));
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const { port } = address;
  return {
    database,
    mailbox,
    errors,
    connect: () => connected(net.connect(port, '127.0.0.1')),
    setUp: (steps) => fill(database, mailbox, steps),
    close: async () => {
      drain.abort();
      await Promise.all(sessions);
      server.close();
      mailbox.close();
      await database.close();
    },
  };
}

/** What the script's set-up lines ask for. */
export async function fill(database: MailboxDatabase, mailbox: Mailbox, steps: readonly SetUp[]): Promise<void> {
  for (const step of steps) {
    if (step.kind === 'folder') {
      const use = USES.find((each) => each === step.options.get('use'));
      const folder = await mailbox.createFolder(step.name, use === undefined ? {} : { specialUse: use });
      const change = {
        subscribed: step.options.get('subscribed') === 'yes',
        hidden: step.options.get('hidden') === 'yes',
      };
      await mailbox.changeFolder(folder.id, change);
      continue;
    }
    const folder = mailbox.folderByName(step.folder);
    if (folder === null) throw new Error(`set-up: there is no folder ${step.folder}`);
    const sink = database.stage();
    await sink.write(step.bytes);
    const staged = await sink.finish();
    const names = (step.options.get('flags') ?? '').split(',').filter((name) => name !== '');
    const date = step.options.get('date');
    await mailbox.append(folder.id, staged, {
      flags: names.reduce((bits, name) => bits | (FLAG_BITS.get(name) ?? 0), 0),
      keywords: names.filter((name) => !FLAG_BITS.has(name)),
      internalDate: date === undefined ? 1_700_000_000 : Date.parse(date) / 1000,
    });
    await staged.release();
  }
}
