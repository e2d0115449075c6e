/** imapflow as the second pair of eyes of the other client tests: puts mail in and looks what is there. */
import { ImapFlow } from 'imapflow';
import { readFileSync } from 'node:fs';
import type { Instance, MailboxLogon } from './instance.ts';

export async function withImapFlow<T>(
  instance: Instance,
  who: MailboxLogon,
  work: (client: ImapFlow) => Promise<T>,
): Promise<T> {
  const { host, port } = instance.imaps();
  const client = new ImapFlow({
    host,
    port,
    secure: true,
    auth: { user: who.address, pass: who.password },
    tls: { ca: readFileSync(instance.ca), rejectUnauthorized: true, servername: 'localhost' },
    logger: false,
  });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.logout();
  }
}

export async function appendSamples(
  instance: Instance,
  who: MailboxLogon,
  folder: string,
  messages: readonly string[],
): Promise<void> {
  await withImapFlow(instance, who, async (client) => {
    for (const message of messages) await client.append(folder, Buffer.from(message));
  });
}

export async function subjects(instance: Instance, who: MailboxLogon, folder: string): Promise<string[]> {
  return withImapFlow(instance, who, async (client) => {
    const found: string[] = [];
    const lock = await client.getMailboxLock(folder);
    try {
      for await (const message of client.fetch('1:*', { envelope: true })) found.push(message.envelope?.subject ?? '');
    } finally {
      lock.release();
    }
    return found.sort();
  });
}
