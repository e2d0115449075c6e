/**
 * Between a right password and an open mailbox lies time: what an admin turns off in it has to hold. A session that was
 * not in the registry yet when the change was announced must end all the same.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { type BackEnd, createInProcessLink } from '../../src/backend/in-process-link.ts';
import type { EndableSession } from '../../src/backend/session-factories.ts';
import { silentLog } from '../../src/observe/log.ts';
import type { MailboxDatabase } from '../../src/store/api.ts';
import { openMemoryDatabase } from '../../src/store/engine/memory/index.ts';
import { inMemoryOrganization, type InMemoryOrganization } from '../management/in-memory-organization.ts';

interface Stage {
  readonly organization: InMemoryOrganization;
  readonly backEnd: BackEnd;
  /** Begins to open a session and resolves when the mailbox is about to be opened. */
  readonly begin: () => Promise<{ readonly open: Promise<unknown> }>;
  readonly letGo: () => void;
  /** Resolves when the session is told to end. */
  readonly ended: Promise<void>;
  readonly isEnded: () => boolean;
}

async function onStage(run: (stage: Stage) => Promise<void>): Promise<void> {
  const organization = await inMemoryOrganization();
  const { directory, mailbox: account, server } = organization;
  for (const service of ['imap4', 'imap4-backend'] as const)
    await directory.setService(server.id, service, { running: true });
  assert.ok(account.mailbox !== null);
  const store = openMemoryDatabase();
  const [opening, gate, ended] = [1, 2, 3].map(() => Promise.withResolvers<void>());
  assert.ok(opening !== undefined && gate !== undefined && ended !== undefined);
  const database: MailboxDatabase = {
    open: async (id) => {
      opening.resolve();
      await gate.promise;
      return store.open(id);
    },
    stage: (options) => store.stage(options),
    mailboxes: () => store.mailboxes(),
    remove: (id) => store.remove(id),
    standing: (id) => store.standing(id),
    depart: (id) => store.depart(id),
    receive: (id, move) => store.receive(id, move),
    verify: (id) => store.verify(id),
    close: () => store.close(),
  };
  let isEnded = false;
  const session: EndableSession = {
    capabilities: [],
    serve: () => {},
    cancel: () => {},
    end: () => {
      isEnded = true;
      ended.resolve();
    },
  };
  const backEnd = await createInProcessLink({
    directory,
    server: server.id,
    databases: new Map([[account.mailbox.database, database]]),
    log: silentLog,
    factories: { imap: () => session, pop3: () => session },
  });
  const stop = new AbortController();
  try {
    await run({
      organization,
      backEnd,
      begin: async () => {
        const open = backEnd.open({
          session: randomBytes(8).toString('hex'),
          protocol: 'imap',
          logon: { account, mailbox: account },
          clientAddress: '192.0.2.1',
          tls: null,
          clientId: new Map(),
          mechanisms: [],
          stop: stop.signal,
        });
        open.catch(() => {});
        await opening.promise;
        return { open };
      },
      letGo: () => gate.resolve(),
      ended: ended.promise,
      isEnded: () => isEnded,
    });
  } finally {
    await backEnd.drain(0);
    await store.close();
    await organization.close();
  }
}

/** Fails instead of hanging. */
const soon = (promise: Promise<void>): Promise<void> => {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('the session goes on')), 2_000);
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
};

describe('while a session is being opened', () => {
  test('nothing changes: it goes on', () =>
    onStage(async ({ begin, letGo, isEnded, backEnd }) => {
      const { open } = await begin();
      letGo();
      await open;
      await backEnd.settled();
      assert.equal(isEnded(), false);
    }));

  test('its account is disabled: it ends', () =>
    onStage(async ({ organization, begin, letGo, ended }) => {
      const { open } = await begin();
      await organization.directory.changeAccount(organization.mailbox.id, { enabled: false });
      letGo();
      await open;
      await soon(ended);
    }));

  test('the protocol is turned off for it: it ends', () =>
    onStage(async ({ organization, begin, letGo, ended }) => {
      const { open } = await begin();
      await organization.directory.setClientAccess(organization.mailbox.id, { imapEnabled: false });
      letGo();
      await open;
      await soon(ended);
    }));

  test('the back-end service stops: it ends', () =>
    onStage(async ({ organization, backEnd, begin, letGo, ended }) => {
      const { open } = await begin();
      await organization.directory.setService(organization.server.id, 'imap4-backend', { running: false });
      await backEnd.settled();
      letGo();
      await open;
      await soon(ended);
    }));

  test('the server drains: it ends', () =>
    onStage(async ({ backEnd, begin, letGo, ended }) => {
      const { open } = await begin();
      const drained = backEnd.drain(0);
      letGo();
      await open;
      await soon(ended);
      await drained;
    }));
});
