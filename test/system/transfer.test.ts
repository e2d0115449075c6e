/** Import and export through the control door of a running server: round trips of every format, interruption, damage. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, readdir, stat, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { controlSocketPath } from '../../src/config/data-directory.ts';
import { ControlClient } from '../../src/management/control/client.ts';
import { type ImportProgress, importInto, TargetLost } from '../../src/management/transfer/import.ts';
import { ImportJournal } from '../../src/management/transfer/journal.ts';
import { MBOX_FORMATS } from '../../src/management/transfer/mbox-lines.ts';
import type { SourceItem } from '../../src/management/transfer/record.ts';
import { readSource, type SourceOptions } from '../../src/management/transfer/source.ts';
import { type ExportFormat, writeTree } from '../../src/management/transfer/write-tree.ts';
import { Failure } from '../../src/observe/failure.ts';
import { startOrganization, TEST_DOMAIN, type TestOrganization } from '../support/organization.ts';

const AUTO: SourceOptions = { format: 'auto', mboxFormat: 'auto', flat: false, dates: 'received' };
const FORMATS: readonly ExportFormat[] = ['eml', 'maildir', ...MBOX_FORMATS];
const MESSAGES = 300;

describe('import and export while the server runs', () => {
  let organization: TestOrganization;
  let control: ControlClient;
  let source: string;
  before(async () => {
    organization = await startOrganization({
      engine: 'sqlite',
      users: ['origin', 'part', 'bad', ...FORMATS],
    });
    control = new ControlClient(controlSocketPath(organization.layout, 'run/control.sock'));
    source = path.join(organization.layout.root, '..', 'source');
    await writeSource(source);
  });
  after(() => organization.stop());

  const address = (name: string): string => `${name}@${TEST_DOMAIN}`;
  const bring = async (
    to: string,
    from: AsyncIterable<SourceItem>,
    journal: ImportJournal,
    options: { signal?: AbortSignal; onProgress?: (now: ImportProgress) => void } = {},
  ): Promise<ImportProgress & { told: string[] }> => {
    const told: string[] = [];
    const target = await control.importInto(address(to));
    try {
      const progress = await importInto(target, from, journal, {
        base: null,
        onProblem: (origin, text) => told.push(`${path.basename(origin)}: ${text}`),
        ...options,
      });
      return { ...progress, told };
    } finally {
      await target.close();
    }
  };
  const journalOf = (scope: string, again = false): Promise<ImportJournal> =>
    ImportJournal.open(organization.layout.transfer, [scope], { again });

  test('a tree of .eml goes in, in order, folders kept', async () => {
    const journal = await journalOf('origin');
    const done = await bring('origin', readSource([source], AUTO), journal);
    await journal.close(true);
    assert.deepEqual({ ...done, bytes: 0 }, { messages: MESSAGES, bytes: 0, skipped: 0, problems: 0, told: [] });
    const there = await contents(control, address('origin'));
    assert.deepEqual([...there.keys()].filter((name) => (there.get(name)?.length ?? 0) > 0).sort(), [
      'Archiv/Ä',
      'INBOX',
    ]);
    assert.equal(there.get('INBOX')?.[7]?.subject, '7');
  });

  for (const format of FORMATS) {
    test(`${format}: out of one mailbox and into another, nothing is different`, async () => {
      const root = path.join(organization.layout.root, '..', `export-${format}`);
      const written = await writeTree(root, { format, mailbox: 'x' }, control.exportItems(address('origin'), null));
      assert.equal(written.messages, MESSAGES);
      const journal = await journalOf(format);
      const done = await bring(format, readSource([root], AUTO), journal);
      await journal.close(true);
      assert.equal(done.messages, MESSAGES, done.told.join('\n'));
      assert.deepEqual(await contents(control, address(format)), await contents(control, address('origin')));
      assert.deepEqual((await control.verify(address(format))).problems, []);
    });
  }

  test('an import that was stopped goes on; one whose journal lost its end takes nothing twice', async () => {
    const stop = new AbortController();
    const first = await journalOf('part');
    const some = await bring('part', readSource([source], AUTO), first, {
      signal: stop.signal,
      onProgress: (now) => {
        if (now.messages >= 100) stop.abort();
      },
    });
    await first.close(false);
    assert.ok(some.messages >= 100 && some.messages < MESSAGES, `${some.messages}`);
    // As after a power cut: the last messages are in the mailbox, the journal does not know.
    const lines = 60;
    const { size } = await stat(first.file);
    await truncate(first.file, size - lines * 60);

    const second = await journalOf('part');
    const rest = await bring('part', readSource([source], AUTO), second);
    await second.close(true);
    assert.equal(some.messages + rest.messages, MESSAGES);
    assert.equal(rest.skipped, some.messages);
    assert.deepEqual(await contents(control, address('part')), await contents(control, address('origin')));

    const third = await journalOf('part');
    const none = await bring('part', readSource([source], AUTO), third);
    await third.close(true);
    assert.deepEqual([none.messages, none.skipped], [0, MESSAGES]);
  });

  test('a bad message is reported and passed over', async () => {
    const root = path.join(organization.layout.root, '..', 'bad');
    await mkdir(root);
    await writeFile(path.join(root, '1.eml'), 'Subject: 1\r\n\r\n');
    await writeFile(path.join(root, '2.eml'), '');
    await writeFile(path.join(root, '3.eml'), 'Subject: 3\r\n\r\n');
    const journal = await journalOf('bad');
    const broken = async function* (): AsyncIterable<SourceItem> {
      for await (const item of readSource([root], AUTO)) {
        yield item;
        if (item.kind !== 'message') continue;
        const chunks = async function* (): AsyncIterable<Buffer> {
          yield Buffer.from('Subject: half');
          throw new Error('the disk is gone');
        };
        const key = `${item.message.key} broken`;
        yield { ...item, message: { ...item.message, key, chunks, origin: 'half of one' } };
      }
    };
    const done = await bring('bad', broken(), journal);
    await journal.close(true);
    assert.deepEqual([done.messages, done.problems], [2, 3]);
    assert.deepEqual(done.told.sort(), [
      '2.eml: is empty',
      'half of one: the disk is gone',
      'half of one: the disk is gone',
    ]);
    assert.deepEqual(
      (await contents(control, address('bad'))).get('INBOX')?.map((one) => one.subject),
      ['1', '3'],
    );
  });

  test('an unknown mailbox is refused before anything is sent', async () => {
    await assert.rejects(
      control.importInto(address('nobody')),
      (error) => error instanceof Failure && error.code === 'NONEXISTENT' && /penfold mailbox list/.test(error.message),
    );
    await assert.rejects(async () => {
      for await (const item of control.exportItems(address('nobody'), null)) assert.fail(item.kind);
    }, /there is no mailbox/);
  });

  test('the door is open to the server’s own user only', async () => {
    const { mode } = await stat(controlSocketPath(organization.layout, 'run/control.sock'));
    assert.equal(mode & 0o777, 0o600);
  });

  test('nothing is left in the spool and on the door', async () => {
    const databases = path.join(organization.layout.root, 'databases');
    for (const name of await readdir(databases)) {
      assert.deepEqual(await readdir(path.join(databases, name, 'spool')), []);
    }
    assert.deepEqual(await control.sessions(), []);
  });
});

interface Shown {
  readonly subject: string;
  readonly sha256: string;
  readonly flags: number;
  readonly keywords: readonly string[];
  readonly internalDate: number | null;
}

/** What a mailbox holds, folder by folder, as the export sees it. */
async function contents(control: ControlClient, mailbox: string): Promise<Map<string, Shown[]>> {
  const folders = new Map<string, Shown[]>();
  for await (const item of control.exportItems(mailbox, null)) {
    if (item.kind === 'folder') {
      folders.set(item.folder.name, []);
      continue;
    }
    const hash = createHash('sha256');
    let head = '';
    for await (const chunk of item.message.chunks()) {
      hash.update(chunk);
      if (head === '') head = chunk.toString('latin1', 0, 200);
    }
    const { flags, keywords, internalDate } = item.message;
    folders.get(item.message.folder)?.push({
      subject: /^Subject: (.*)\r$/m.exec(head)?.[1] ?? '',
      sha256: hash.digest('hex'),
      flags,
      keywords: [...keywords].sort(),
      internalDate,
    });
  }
  return folders;
}

async function writeSource(root: string): Promise<void> {
  await mkdir(path.join(root, 'Archiv', 'Ä'), { recursive: true });
  for (let i = 0; i < MESSAGES; i += 1) {
    const body = [
      'From here\n>From there\n',
      'plain\r\n',
      'no end',
      'a\rb\r\r\nc\n',
      `${'x'.repeat(70)}\n`.repeat(20_000),
    ][i % (i % 50 === 0 ? 5 : 4)];
    const large = i % 100 === 99 ? `${'y'.repeat(70)}\n`.repeat(20_000) : '';
    const folder = i % 3 === 2 ? path.join(root, 'Archiv', 'Ä') : root;
    // A space, so that files come before the folder in name order and the order within a folder is by number.
    await writeFile(
      path.join(folder, ` ${String(i).padStart(4, '0')}.eml`),
      `Subject: ${i % 3 === 2 ? i : i - Math.floor(i / 3)}\n\n${body}${large}`,
    );
  }
}

test('a server that stops in the middle of an import leaves it to be gone on with', async (t) => {
  const organization = await startOrganization({ engine: 'sqlite', users: ['late'] });
  t.after(() => organization.stop());
  const control = new ControlClient(controlSocketPath(organization.layout, 'run/control.sock'));
  const journal = await ImportJournal.open(organization.layout.transfer, ['late']);
  const endless = async function* (): AsyncIterable<SourceItem> {
    for (let i = 0; ; i += 1) {
      const bytes = Buffer.from(`Subject: ${i}\r\n\r\n`);
      yield {
        kind: 'message',
        bytes: i,
        message: {
          key: String(i),
          origin: String(i),
          folder: '',
          flags: 0,
          keywords: [],
          internalDate: i,
          saveDate: null,
          uid: null,
          uidl: null,
          size: bytes.length,
          async *chunks() {
            yield bytes;
          },
        },
      };
    }
  };
  const problems: string[] = [];
  const target = await control.importInto(`late@${TEST_DOMAIN}`);
  const stopped: Promise<void>[] = [];
  const life = importInto(target, endless(), journal, {
    base: null,
    onProgress: (now) => {
      if (now.messages > 200) stopped[0] ??= organization.running.drain(1000);
    },
    onProblem: (origin, text) => problems.push(`${origin}: ${text}`),
  });
  await assert.rejects(
    life,
    (error) => error instanceof TargetLost && /start the same import again/.test(error.message),
  );
  assert.equal(stopped.length, 1);
  await stopped[0];
  assert.deepEqual(problems, []);
  await journal.close(false);
});
