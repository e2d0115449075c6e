/**
 * Mail in an organization of several servers: A has both roles, B and C are back ends, F is a front end; ann, bob and
 * carol have their mailboxes on A, B and C. Connectors between servers are on.
 */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { betweenServers } from '../../src/directory/connectors.ts';
import type { Account } from '../../src/directory/model.ts';
import { type ManyServers, type ManyServersOptions, startServers } from '../support/many-servers.ts';
import { SmtpClient } from '../dialogues/smtp/client.ts';

export const BACK_END = { frontEnd: false, backEnd: true };
export const FRONT_END = { frontEnd: true, backEnd: false };

export function startMail(options: Partial<ManyServersOptions> = {}): Promise<ManyServers> {
  return startServers({
    engine: 'sqlite',
    servers: ['A', { name: 'B', roles: BACK_END }, { name: 'C', roles: BACK_END }, { name: 'F', roles: FRONT_END }],
    users: { ann: 'A', bob: 'B', carol: 'C' },
    prepare: async ({ directory, servers }) => {
      for (const { id } of servers) {
        for (const connector of await directory.connectors(id)) {
          if (betweenServers(connector) !== null) await directory.changeConnector(connector.id, { enabled: true });
        }
      }
    },
    ...options,
  });
}

/** On port 25 of that server, greeted. */
export async function inbound(servers: ManyServers, name: string): Promise<SmtpClient> {
  const socket = connect(servers.server(name).ports.connectors.smtp, '127.0.0.1');
  await once(socket, 'connect');
  return SmtpClient.greeted(socket);
}

/** On port 465 of that server, greeted, not logged on. */
export async function submission(servers: ManyServers, name: string): Promise<SmtpClient> {
  const { ports, ca } = servers.server(name);
  const socket = connectTls({ host: '127.0.0.1', port: ports.connectors.submissions, ca, servername: 'localhost' });
  await once(socket, 'secureConnect');
  return SmtpClient.greeted(socket);
}

export function authPlain(servers: ManyServers, name: string, password = servers.user(name).password): string {
  return `AUTH PLAIN ${Buffer.from(`\0${servers.user(name).address}\0${password}`).toString('base64')}`;
}

export async function messages(servers: ManyServers, home: string, account: Account): Promise<readonly Buffer[]> {
  assert.ok(account.mailbox !== null);
  const mailbox = await servers.server(home).running.databaseOf(account).open(account.mailbox.id);
  try {
    const inbox = mailbox.folderByUse('inbox');
    assert.ok(inbox !== null);
    const view = await mailbox.view(inbox.id);
    const uids = view.columns.uid.slice(0, view.columns.length);
    view.close();
    const found: Buffer[] = [];
    for (const uid of uids) {
      const chunks: Buffer[] = [];
      for await (const chunk of mailbox.read(inbox.id, uid, 0, Infinity)) chunks.push(Buffer.from(chunk));
      found.push(Buffer.concat(chunks));
    }
    return found;
  } finally {
    mailbox.close();
  }
}

/** What lies in the Inbox of a user, on the server of his mailbox. */
export function inbox(servers: ManyServers, home: string, name: string): Promise<readonly Buffer[]> {
  return messages(servers, home, servers.user(name).account);
}
