/**
 * The `imap` package (mscdex) as the second, independent reader of ENVELOPE and BODYSTRUCTURE. It ships no types; what
 * is used of it is said here and checked where it comes in.
 */
import { once, type EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Instance, MailboxLogon } from './instance.ts';

interface Attributes {
  readonly uid: number;
  readonly struct: unknown;
  readonly envelope: unknown;
}

interface Client extends EventEmitter {
  connect(): void;
  end(): void;
  openBox(name: string, readOnly: boolean, done: (error: Error | null) => void): void;
  fetch(source: string, options: { struct: boolean; envelope: boolean }): EventEmitter;
}

/** `[path, type/subtype]` of every part, as the library sees them, by UID. */
export async function readStructures(
  instance: Instance,
  who: MailboxLogon,
  folder: string,
): Promise<Map<number, string[]>> {
  const Imap: new (options: object) => Client = createRequire(import.meta.url)('imap');
  const { host, port } = instance.imaps();
  const client = new Imap({
    host,
    port,
    tls: true,
    user: who.address,
    password: who.password,
    tlsOptions: { ca: readFileSync(instance.ca), servername: 'localhost' },
    connTimeout: 60_000,
    authTimeout: 60_000,
  });
  client.connect();
  await once(client, 'ready');
  await new Promise<void>((resolve, reject) =>
    client.openBox(folder, true, (error) => (error === null || error === undefined ? resolve() : reject(error))),
  );
  const structures = new Map<number, string[]>();
  const fetch = client.fetch('1:*', { struct: true, envelope: true });
  fetch.on('message', (message: EventEmitter) => {
    message.on('attributes', ({ uid, struct, envelope }: Attributes) => {
      if (envelope !== null && typeof envelope === 'object') structures.set(uid, flat(struct));
    });
  });
  await once(fetch, 'end');
  client.end();
  return structures;
}

/** The library gives a part as an object, and a multipart as `[itself, [child], [child] …]`. */
function flat(node: unknown): string[] {
  if (!Array.isArray(node)) throw new Error('not a body structure');
  const [head, ...children]: unknown[] = node;
  if (typeof head !== 'object' || head === null) throw new Error('a part without facts');
  const facts: { type?: unknown; subtype?: unknown; body?: unknown } = head;
  const multipart = facts.subtype === undefined;
  const type = multipart ? `multipart/${String(facts.type)}` : `${String(facts.type)}/${String(facts.subtype)}`;
  // What a message/rfc822 holds hangs on the part itself.
  const inner = Array.isArray(facts.body) ? flat(facts.body) : [];
  return [type.toLowerCase(), ...inner, ...children.flatMap(flat)];
}
