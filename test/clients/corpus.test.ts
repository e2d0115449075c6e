/**
 * All mail of the test corpus goes in by import and by SMTP, and comes out again by IMAP and POP3 through foreign
 * clients with the same bytes; two IMAP libraries have to read every ENVELOPE and BODYSTRUCTURE and see one part tree.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { MessageStructureObject } from 'imapflow';
import SmtpConnection from 'nodemailer/lib/smtp-connection';
import { corpusMissing, corpusMessages } from '../support/corpus.ts';
import { type Instance, startInstance } from './instance.ts';
import { withImapFlow } from './libraries.ts';
import { readStructures } from './node-imap.ts';
import { PopReader } from './pop-reader.ts';

/** What the store's door does to line ends, said again independently: a bare LF becomes CRLF, nothing else. */
function normalized(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString('latin1').replace(/(?<!\r)\n/g, '\r\n'), 'latin1');
}

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const counted = (digests: Iterable<string>): Map<string, number> => {
  const counts = new Map<string, number>();
  for (const one of digests) counts.set(one, (counts.get(one) ?? 0) + 1);
  return counts;
};

interface Original {
  readonly name: string;
  readonly bytes: Buffer;
}

/** Media types of every leaf and node, in order. */
function tree(node: MessageStructureObject): string[] {
  return [node.type.toLowerCase(), ...(node.childNodes ?? []).flatMap(tree)];
}

describe('the corpus through foreign clients', { skip: corpusMissing() }, () => {
  let instance: Instance;
  const originals: Original[] = [];
  before(async () => {
    instance = await startInstance();
    for (const { name, bytes } of corpusMessages()) originals.push({ name, bytes });
  });
  after(() => instance.close());

  const same = (expected: readonly Original[], got: Iterable<string>, what: string): void => {
    const counts = counted(got);
    const lost: string[] = [];
    for (const { name, bytes } of expected) {
      const key = digest(normalized(bytes));
      const left = counts.get(key) ?? 0;
      if (left === 0) lost.push(name);
      else counts.set(key, left - 1);
    }
    const extra = [...counts.values()].reduce((sum, left) => sum + left, 0);
    assert.deepEqual({ lost, extra }, { lost: [], extra: 0 }, `${what}: messages lost or changed`);
  };

  test('import takes all, IMAP gives all back, two libraries agree on every part tree', async () => {
    assert.ok(originals.length > 6000, `only ${originals.length} messages in the corpus`);
    const source = path.join(instance.scratch, 'corpus');
    mkdirSync(source);
    for (const [index, { bytes }] of originals.entries())
      writeFileSync(path.join(source, `${String(index).padStart(5, '0')}.eml`), bytes);
    const who = instance.user(0);
    console.log(
      (await instance.penfold('import', source, '--mailbox', who.address, '--folder', 'Corpus'))
        .trim()
        .split('\n')
        .at(-1),
    );

    const digests: string[] = [];
    const trees = new Map<number, string[]>();
    await withImapFlow(instance, who, async (client) => {
      const lock = await client.getMailboxLock('Corpus');
      try {
        for await (const message of client.fetch('1:*', { uid: true, source: true, size: true })) {
          const { source: bytes } = message;
          assert.ok(bytes !== undefined, `UID ${message.uid} came without bytes`);
          assert.equal(bytes.length, message.size, `UID ${message.uid}: RFC822.SIZE differs from what came`);
          digests.push(digest(bytes));
        }
        for await (const message of client.fetch('1:*', { uid: true, envelope: true, bodyStructure: true })) {
          assert.ok(
            message.envelope !== undefined && message.bodyStructure !== undefined,
            `UID ${message.uid}: unreadable structure`,
          );
          trees.set(message.uid, tree(message.bodyStructure));
        }
      } finally {
        lock.release();
      }
    });
    same(originals, digests, 'IMAP');

    // Both libraries look into message/rfc822; the order of their lists is the order of the parts.
    const second = await readStructures(instance, who, 'Corpus');
    const different: string[] = [];
    for (const [uid, parts] of trees) {
      const other = second.get(uid);
      if (other === undefined || other.join(' ') !== parts.join(' ')) {
        different.push(
          `${originals[uid - 1]?.name ?? uid}: imapflow ${parts.join(' ')}, imap ${other?.join(' ') ?? 'nothing'}`,
        );
      }
    }
    assert.deepEqual(different, [], 'the two libraries see different part trees');
  });

  test('POP3 gives all back', async () => {
    const source = path.join(instance.scratch, 'corpus');
    const who = instance.user(1);
    await instance.penfold('import', source, '--mailbox', who.address, '--folder', 'INBOX');
    const reader = await PopReader.open(instance.pop3s(), readFileSync(instance.ca), who);
    const digests: string[] = [];
    for await (const message of reader.all()) digests.push(digest(message));
    reader.close();
    // The welcome message of set-up stands before them.
    same(originals.map(withFinalLineEnd), digests.slice(1), 'POP3');
  });

  test('SMTP takes what SMTP can carry', async () => {
    // RFC 5321 §4.1.1.4: no bare CR; NUL is refused by many relays and not text of any kind.
    const carried = originals.filter(({ bytes }) => {
      const wire = normalized(bytes);
      return !/\r(?!\n)|\0/.test(wire.toString('latin1')) && wire.length > 0;
    });
    const who = instance.user(1);
    await instance.penfold(
      'mailbox',
      'create',
      'smtp-corpus@example.test',
      '--password-file',
      writePassword(instance, who.password),
    );
    const receiver = { address: 'smtp-corpus@example.test', password: who.password };
    const { host, port } = instance.inbound();
    const connection = new SmtpConnection({
      host,
      port,
      tls: { ca: readFileSync(instance.ca), servername: 'localhost' },
      requireTLS: true,
    });
    await new Promise<void>((resolve, reject) => {
      connection.once('error', reject);
      connection.connect(() => resolve());
    });
    const refused: string[] = [];
    const accepted: Original[] = [];
    for (const original of carried) {
      const reason = await new Promise<Error | null>((resolve) => {
        connection.send(
          { from: 'corpus@elsewhere.example', to: [receiver.address], use8BitMime: true },
          normalized(original.bytes),
          (error) => resolve(error),
        );
      });
      if (reason === null) accepted.push(original);
      else refused.push(`${original.name}: ${reason.message}`);
    }
    connection.quit();
    console.log(
      `${accepted.length} of ${carried.length} went in by SMTP (${originals.length - carried.length} cannot be carried); refused: ${refused.length}`,
    );
    for (const line of refused) console.log(`  ${line}`);
    // Only the limits on hops and header size may refuse.
    for (const line of refused) assert.match(line, /5\.4\.6|5\.3\.4|[Hh]eader/);
    const digests: string[] = [];
    await withImapFlow(instance, receiver, async (client) => {
      const lock = await client.getMailboxLock('INBOX');
      try {
        for await (const message of client.fetch('1:*', { source: true }))
          digests.push(digest(withoutTrace(message.source ?? Buffer.alloc(0))));
      } finally {
        lock.release();
      }
    });
    same(accepted.map(withFinalLineEnd), digests, 'SMTP');
  });
});

/** SMTP and POP3 end a message with a line end (RFC 5321 §4.1.1.4, RFC 1939 §3): one without gets it on the way. */
function withFinalLineEnd({ name, bytes }: Original): Original {
  const wire = normalized(bytes);
  return {
    name,
    bytes: wire.subarray(-2).toString('latin1') === '\r\n' ? wire : Buffer.concat([wire, Buffer.from('\r\n')]),
  };
}

function writePassword(instance: Instance, password: string): string {
  const file = path.join(instance.scratch, 'password');
  writeFileSync(file, `${password}\n`, { mode: 0o600 });
  return file;
}

/** Without the Return-Path and Received fields that this server put in front. */
function withoutTrace(bytes: Buffer): Buffer {
  const text = bytes.toString('latin1');
  // Our Received field ends with its date; a message may begin with a line that looks like more of it.
  const trace = /^Return-Path: [^\r]*\r\nReceived: (?:[^\r]*\r\n[ \t])*?[^\r]* [+-]\d{4}\r\n/.exec(text);
  assert.ok(trace !== null, `no trace fields in front: ${text.slice(0, 200)}`);
  return bytes.subarray(trace[0].length);
}
