/**
 * Every change is in the audit log with who, when, what, before and after: the examples of every changing cmdlet of the
 * real table run in the shell, through the control socket, on a whole server.
 */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { createAppPassword } from '../../src/auth/app-passwords.ts';
import type { Console } from '../../src/cli/shell/console.ts';
import { ShellSession } from '../../src/cli/shell/session.ts';
import { controlSocketPath } from '../../src/config/data-directory.ts';
import type { AuditEntry } from '../../src/directory/model.ts';
import { CMDLETS } from '../../src/management/cmdlets/table.ts';
import type { Cmdlet } from '../../src/management/cmdlet.ts';
import { doorOverSocket } from '../../src/management/door-client.ts';
import { startOrganization, type TestOrganization } from '../support/organization.ts';

/** Things are made before they are changed, and removed last. */
const VERBS = [
  'New',
  'Enable',
  'Connect',
  'Add',
  'Set',
  'Resume',
  'Suspend',
  'Export',
  'Import',
  'Restore',
  'Stop',
  'Start',
  'Restart',
  'Disable',
  'Remove',
];
/** Lines that make a change where the examples of a cmdlet, run on this server, happen to find all as they want it. */
const MORE: Readonly<Record<string, readonly string[]>> = {
  'Set-ServerComponentState': [
    'Set-ServerComponentState <Server Name> -Component OwaProxy -Requester Functional -State Inactive -Confirm:$false',
  ],
  'Add-MailboxPermission': ['Add-MailboxPermission alice -User bob -AccessRights FullAccess'],
  'Add-RecipientPermission': ['Add-RecipientPermission alice -Trustee bob -AccessRights SendAs'],
  'Connect-Mailbox': ['Disable-Mailbox charles -Confirm:$false', 'Connect-Mailbox charles'],
  'Disable-Mailbox': ['Disable-Mailbox charles -Confirm:$false'],
  'New-MailboxDatabase': ['New-MailboxDatabase Second'],
  // To a database of a server that is not there: nobody works on it, and it stays as it is told to be.
  'New-MoveRequest': ['New-MoveRequest alice -TargetDatabase Elsewhere -Suspend'],
  'Resume-MoveRequest': ['Resume-MoveRequest alice'],
  'Suspend-MoveRequest': ['Suspend-MoveRequest alice -Confirm:$false'],
  'Remove-MoveRequest': ['Remove-MoveRequest alice -Confirm:$false'],
  'Remove-Mailbox': ['Remove-Mailbox ada -Confirm:$false'],
  'Remove-ExchangeServer': ['Remove-ExchangeServer SPARE -Confirm:$false'],
  'Remove-MailboxPermission': ['Remove-MailboxPermission alice -User bob -AccessRights FullAccess -Confirm:$false'],
  'Remove-RecipientPermission': ['Remove-RecipientPermission alice -Trustee bob -Confirm:$false'],
  'Restart-Service': ['Start-Service pop3', 'Restart-Service pop3 -Confirm:$false'],
  'Start-Service': ['Stop-Service pop3 -Confirm:$false', 'Start-Service pop3'],
  'Stop-Service': ['Start-Service pop3', 'Stop-Service pop3 -Confirm:$false', 'Start-Service pop3'],
};
const PASSWORD = /correct horse|'s secret|P@ss|the administrator’s own/i;

describe('the audit log', () => {
  let organization: TestOrganization;
  let session: ShellSession;
  const printed: string[] = [];
  const begun = Date.now();
  before(async () => {
    organization = await startOrganization({
      engine: 'memory',
      users: ['alice', 'bob', 'carol'],
      prepare: async (directory, { site }) => {
        const roles = { frontEnd: false, backEnd: true };
        const { id } = await directory.addServer({ name: 'AWAY', fqdn: 'away.example.test', site, ...roles });
        await directory.addServer({ name: 'SPARE', fqdn: 'spare.example.test', site, ...roles });
        await directory.addDatabase({ name: 'Elsewhere', server: id, engine: 'sqlite', location: 'elsewhere' });
      },
    });
    const terminal: Console = {
      width: null,
      write: (line) => {
        printed.push(line);
        return Promise.resolve();
      },
      warn: (text) => printed.push(text),
      tell: (text) => printed.push(text),
      whatIf: (text) => printed.push(text),
      progress: () => {},
      error: (error) => printed.push(String(error)),
      clear: () => {},
    };
    session = await ShellSession.open({
      door: doorOverSocket(controlSocketPath(organization.layout, 'run/control.sock'), {
        user: 'tester',
        via: 'shell',
      }),
      console: terminal,
      serverName: 'TEST',
      history: () => [],
      confirm: () => Promise.resolve('yes'),
      read: () => Promise.resolve('correct horse battery'),
    });
  });
  after(() => organization.stop());

  const entries = async (): Promise<readonly AuditEntry[]> => organization.directory.auditLog({ limit: 10_000 });
  const newest = async (): Promise<number> => (await entries())[0]?.id ?? 0;
  const run = async (line: string): Promise<string> => {
    printed.length = 0;
    const text = line.replaceAll('<Server Name>', 'TEST').replaceAll('<Mailbox>', 'alice');
    try {
      await session.run(text, new AbortController().signal);
      return printed.join('\n');
    } catch (error) {
      return `${printed.join('\n')}\n${String(error)}`;
    }
  };

  /** A POP3 session, for the cmdlets that end some. */
  const logOn = async (): Promise<TLSSocket> => {
    const { address, password } = organization.user(1);
    const socket = connect({
      host: '127.0.0.1',
      port: organization.pop3.tls,
      servername: 'localhost',
      ca: organization.ca,
    });
    socket.on('error', () => {});
    socket.setEncoding('latin1');
    const answer = async (): Promise<string> => String(await once(socket, 'data'));
    await answer();
    for (const line of [`USER ${address}`, `PASS ${password}`]) {
      socket.write(`${line}\r\n`);
      assert.match(await answer(), /^\+OK/);
    }
    return socket;
  };

  /** What alice would have made in a browser, for the cmdlets that take it away. */
  const signIn = async (cmdlet: string): Promise<void> => {
    const { directory } = organization;
    const account = organization.user(0).account.id;
    if (cmdlet === 'Remove-WebSession') {
      const token = Buffer.alloc(32, 1);
      await directory.addWebSession({ account, token, userAgent: '', clientAddress: '127.0.0.1', isRemembered: false });
    }
    if (cmdlet === 'Remove-AppPassword')
      await createAppPassword(directory, account, { name: 'Phone', protocols: ['IMAP'] });
  };

  const rank = (cmdlet: Cmdlet): number => {
    if (cmdlet.name === 'Stop-Session') return -1;
    const at = VERBS.indexOf(cmdlet.name.split('-', 1)[0] ?? '');
    assert.notEqual(at, -1, `${cmdlet.name}: say in VERBS when its examples run`);
    return at;
  };
  const changing = CMDLETS.filter((cmdlet) => cmdlet.changes).toSorted((a, b) => rank(a) - rank(b));

  for (const cmdlet of changing) {
    test(`${cmdlet.name}: its changes are entered, -WhatIf leaves nothing`, async () => {
      const client = cmdlet.name === 'Stop-Session' ? await logOn() : null;
      await signIn(cmdlet.name);
      const said: string[] = [];
      const first = await newest();
      for (const { line } of cmdlet.examples) {
        const last = await newest();
        said.push(`${line}\n${await run(line)}`);
        if (/-WhatIf\b/i.test(line)) assert.equal(await newest(), last, `${line} left an entry`);
      }
      const mine = async (): Promise<readonly AuditEntry[]> =>
        (await entries()).filter((one) => one.id > first && one.actor.command === cmdlet.name);
      for (const line of (await mine()).length > 0 ? [] : (MORE[cmdlet.name] ?? []))
        said.push(`${line}\n${await run(line)}`);
      client?.destroy();
      const left = await mine();
      assert.ok(left.length > 0, `no entry. What was run:\n${said.join('\n')}`);
      for (const entry of left) {
        assert.deepEqual(entry.actor, { user: 'local:tester', via: 'shell', command: cmdlet.name });
        assert.ok(entry.at >= begun && entry.at <= Date.now(), 'when');
        assert.notEqual(entry.object, '', 'what');
        assert.notEqual(entry.objectKind, '');
        switch (entry.action) {
          case 'created':
            assert.ok(entry.before === null && entry.after !== null);
            break;
          case 'removed':
            assert.ok(entry.before !== null && entry.after === null);
            break;
          case 'changed':
            assert.ok(entry.before !== null && entry.after !== null);
            assert.notDeepEqual(entry.before, entry.after, 'before and after');
            break;
          default:
            // What a command did that changes no directory object: its name is all there is to tell.
            assert.notEqual(entry.action, '');
        }
      }
    });
  }

  test('no secret is in it', async () => {
    for (const entry of await entries()) assert.doesNotMatch(JSON.stringify(entry), PASSWORD);
  });

  test('Get-AdminAuditLog shows it, filtered by person, cmdlet, object and time', async () => {
    const shown = async (line: string): Promise<unknown> => JSON.parse(await run(`${line} | ConvertTo-Json`));
    const all = await shown('Get-AdminAuditLog -UserIds local:tester -ResultSize 10000');
    assert.ok(Array.isArray(all) && all.length >= changing.length);
    const pop = await shown('Search-AdminAuditLog -Cmdlets Set-PopSettings,Set-ImapSettings -ResultSize 2');
    assert.ok(Array.isArray(pop));
    assert.equal(pop.length, 2);
    for (const one of pop) assert.match(JSON.stringify(one), /"CmdletName": ?"Set-(Pop|Imap)Settings"/);
    const none = await run('Get-AdminAuditLog -EndDate 2001-01-01');
    assert.equal(none, '');
    assert.match(await run('Get-AdminAuditLog -StartDate yesterday'), /must be a date such as/);
  });
});
