/** What a test has sent, seen by a foreign IMAP client: whole, and part by part, decoded. */
import { Buffer } from 'node:buffer';
import { ImapFlow, type MessageStructureObject } from 'imapflow';
import type { TestUser } from '../../support/organization.ts';
import type { Web } from './web.ts';

export interface MailPart {
  readonly type: string;
  readonly disposition: string | null;
  readonly name: string | null;
  readonly cid: string | null;
  readonly encoding: string;
  readonly content: Buffer;
}

export interface Mail {
  readonly header: string;
  readonly flags: ReadonlySet<string>;
  /** `multipart/mixed(multipart/alternative(text/plain text/html) application/pdf)` */
  readonly shape: string;
  readonly parts: readonly MailPart[];
}

export async function withImap<T>(web: Web, user: TestUser, work: (client: ImapFlow) => Promise<T>): Promise<T> {
  const client = new ImapFlow({
    host: '127.0.0.1',
    port: web.organization.imap.tls,
    secure: true,
    auth: { user: user.address, pass: user.password },
    tls: { ca: web.organization.ca, servername: 'localhost' },
    logger: false,
  });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.logout();
  }
}

/** Mail of a folder with this subject; waits until it is there (IDLE). */
export function mailWithSubject(web: Web, user: TestUser, folder: string, subject: string): Promise<Mail> {
  return withImap(web, user, async (client) => {
    const lock = await client.getMailboxLock(folder);
    try {
      for (;;) {
        const arrived = new Promise<void>((resolve) => void client.once('exists', () => resolve()));
        const found = await client.search({ header: { subject } }, { uid: true });
        const uid = Array.isArray(found) ? found.at(-1) : undefined;
        if (uid !== undefined) return await mailOf(client, uid);
        // Ends with the next command.
        const idle = client.idle();
        await arrived;
        idle.catch(() => {});
      }
    } finally {
      lock.release();
    }
  });
}

async function mailOf(client: ImapFlow, uid: number): Promise<Mail> {
  const message = await client.fetchOne(
    String(uid),
    { headers: true, flags: true, bodyStructure: true },
    { uid: true },
  );
  if (message === false || message.bodyStructure === undefined) throw new Error('the message is not there');
  const parts: MailPart[] = [];
  for (const leaf of leavesOf(message.bodyStructure)) {
    const { content } = await client.download(String(uid), leaf.part ?? '1', { uid: true });
    if (content === undefined) throw new Error(`part ${leaf.part ?? '1'} cannot be read`);
    const chunks: Buffer[] = [];
    for await (const chunk of content) chunks.push(Buffer.from(chunk));
    parts.push({
      type: leaf.type,
      disposition: leaf.disposition ?? null,
      name: leaf.dispositionParameters?.['filename'] ?? leaf.parameters?.['name'] ?? null,
      cid: leaf.id ?? null,
      encoding: leaf.encoding ?? '7bit',
      content: Buffer.concat(chunks),
    });
  }
  return {
    header: (message.headers ?? Buffer.alloc(0)).toString('utf8'),
    flags: message.flags ?? new Set(),
    shape: shapeOf(message.bodyStructure),
    parts,
  };
}

const leavesOf = (part: MessageStructureObject): readonly MessageStructureObject[] =>
  part.childNodes === undefined ? [part] : part.childNodes.flatMap(leavesOf);

const shapeOf = ({ type, childNodes }: MessageStructureObject): string =>
  childNodes === undefined ? type : `${type}(${childNodes.map(shapeOf).join(' ')})`;

/** Value of a header field, unfolded. */
export function fieldOf({ header }: Mail, name: string): string | null {
  const found = new RegExp(`^${name}: ?((?:.*)(?:\\r?\\n[ \\t].*)*)`, 'im').exec(header);
  return found?.[1]?.replaceAll(/\r?\n(?=[ \t])/g, '') ?? null;
}
