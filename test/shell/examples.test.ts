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
    organization = await startOrganization({ engine: 'memory' });
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

  for (const { help } of LOCAL_CMDLETS) {
    for (const { line } of help.examples) {
      // Files are written and read where the test may; what ends or needs the server's own cmdlets is tested elsewhere.
      if (/^(exit|Import-Csv|Clear-Host)/.test(line)) continue;
      test(`${help.name}: ${line}`, async () => {
        const there = line.replace(/\b[a-z]+\.(csv|txt)\b/, (name) => path.join(folder, name));
        await session.run(there, new AbortController().signal);
      });
    }
  }

  for (const cmdlet of CMDLETS) {
    for (const { line } of cmdlet.examples) {
      test(`${cmdlet.name}: ${line}`, async () => {
        const mailbox = organization.user(0).address;
        await session.run(line.replaceAll('<Mailbox>', mailbox), new AbortController().signal);
        assert.deepEqual(console.errors, []);
      });
    }
  }
});
