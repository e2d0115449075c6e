/** Every example of every cmdlet runs as it is shown, in the table's order, on a running server. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createTransport } from 'nodemailer';
import { ShellSession } from '../../src/cli/shell/session.ts';
import { LOCAL_CMDLETS } from '../../src/cli/shell/stages/all.ts';
import { controlSocketPath } from '../../src/config/data-directory.ts';
import { defaultConfiguration } from '../../src/config/read.ts';
import { ACTIVE_MOVES } from '../../src/directory/move-request.ts';
import { CMDLETS } from '../../src/management/cmdlets/table.ts';
import { doorOverSocket } from '../../src/management/door-client.ts';
import { startOrganization, type TestOrganization } from '../support/organization.ts';
import { MemoryConsole } from './fake-door.ts';

describe('examples', () => {
  let organization: TestOrganization;
  let session: ShellSession;
  let folder: string;
  const console = new MemoryConsole();
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'penfold-examples-'));
    organization = await startOrganization({
      engine: 'memory',
      prepare: async (directory, server) => {
        for (const name of ['DB1', 'DB2'])
          await directory.addDatabase({ name, server: server.id, engine: 'sqlite', location: name });
      },
    });
    // Examples look into mailboxes, export and search.
    const transport = createTransport({ host: organization.host, port: organization.smtp.inbound, ignoreTLS: true });
    await transport.sendMail({
      from: 'charles@example.net',
      to: organization.user(0).address,
      subject: 'invoice 1843',
      text: 'Note G',
    });
    transport.close();
    const socket = controlSocketPath(organization.layout, defaultConfiguration().control.socket);
    session = await ShellSession.open({
      door: doorOverSocket(socket, { user: 'local:test', via: 'shell' }),
      console,
      serverName: organization.server.name,
      history: () => ['Get-Mailbox'],
      read: () => Promise.resolve('a long enough Passw0rd'),
      confirm: () => Promise.resolve('yes'),
    });
  });
  after(async () => {
    await organization.stop();
    await rm(folder, { recursive: true });
  });

  const run = (line: string): Promise<unknown> => session.run(line, new AbortController().signal);

  /** Resolves when no move is under way. */
  async function movesEnded(): Promise<void> {
    const { directory } = organization;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = (): void => {
      directory.moveRequests().then((all) => {
        if (!all.some(({ status }) => ACTIVE_MOVES.includes(status))) resolve();
      }, reject);
    };
    const unwatch = directory.watch(look);
    look();
    try {
      await promise;
    } finally {
      unwatch();
    }
  }

  /**
   * Examples of moves begin each with a mailbox that no request has to do with, or with one whose move waits, as the
   * cmdlet needs it; and a mailbox cannot move to where it is.
   */
  async function withMoves(line: string, mailbox: string): Promise<string> {
    if (!/\b(New|Suspend|Resume)-MoveRequest\b/.test(line)) return line;
    const { directory } = organization;
    await movesEnded();
    for (const { id } of await directory.moveRequests()) await directory.removeMoveRequest(id);
    const account = await directory.accountByAddress(mailbox);
    const here = (await directory.databases()).find(({ id }) => id === account?.mailbox?.database);
    const target = here?.name === 'DB2' ? 'DB1' : 'DB2';
    const waiting = line.startsWith('Suspend') ? '-SuspendWhenReadyToComplete' : '-Suspend';
    if (!line.includes('New-MoveRequest')) await run(`New-MoveRequest ${mailbox} ${target} ${waiting}`);
    return line.replaceAll('DB2', target);
  }

  for (const { help } of LOCAL_CMDLETS) {
    for (const { line } of help.examples) {
      // Files are written and read where the test may; what ends or needs the server's own cmdlets is tested elsewhere.
      if (/^(exit|Import-Csv|Clear-Host)/.test(line)) continue;
      test(`${help.name}: ${line}`, async () => {
        const there = line.replace(/\b[a-z]+\.(csv|txt)\b/, (name) => path.join(folder, name));
        await run(there);
      });
    }
  }

  for (const cmdlet of CMDLETS) {
    for (const { line } of cmdlet.examples) {
      test(`${cmdlet.name}: ${line}`, async () => {
        const mailbox = organization.user(0).address;
        await run((await withMoves(line, mailbox)).replaceAll('<Mailbox>', mailbox));
        assert.deepEqual(console.errors, []);
      });
    }
  }
});
