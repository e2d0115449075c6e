/** Clients of front ends. */
import { once } from 'node:events';
import { connect as connectTls } from 'node:tls';
import { LineClient } from '../dialogues/imap/not-authenticated/server.ts';
import type { TestUser } from '../support/organization.ts';

export async function secureClient(port: number, ca: string): Promise<LineClient> {
  const socket = connectTls({ host: '127.0.0.1', port, ca, servername: 'localhost' });
  await once(socket, 'secureConnect');
  return new LineClient(socket);
}

export const imapLogin = ({ address, password }: TestUser): string => `LOGIN ${address} "${password}"`;
