/**
 * Lists of a large mailbox by JMAP on the SQLite engine: Email/query and Email/get of one page, as a list shows them,
 * in wall time and in CPU time, which a busy machine does not change. `node bench/jmap-list.ts [messages]`.
 */
import { Buffer } from 'node:buffer';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openSqliteDatabase } from '../src/store/engine/sqlite/index.ts';
import { mailMethods } from '../src/web/jmap/mail/methods.ts';
import { TestAccount } from '../test/support/jmap-account.ts';

const MESSAGES = Number(process.argv[2] ?? 100_000);
const AT_ONCE = 500;
const ROUNDS = 20;

const folder = await mkdtemp(path.join(tmpdir(), 'penfold-jmap-list-'));
const database = await openSqliteDatabase({ directory: folder });
const account = await TestAccount.open(mailMethods, { database });
try {
  const inbox = account.mailbox.folderByName('INBOX');
  if (inbox === null) throw new Error('no Inbox');
  for (let from = 0; from < MESSAGES; from += AT_ONCE) {
    await Promise.all(
      Array.from({ length: Math.min(AT_ONCE, MESSAGES - from) }, async (_, i) => {
        const n = from + i;
        const reply = n % 4 === 0 ? '' : `In-Reply-To: <m${n - (n % 4)}@example.test>\r\n`;
        const sink = database.stage();
        await sink.write(
          Buffer.from(
            `From: Person ${n % 997} <p${n % 997}@example.test>\r\nTo: ann@example.test\r\nSubject: Message ${n}\r\nMessage-ID: <m${n}@example.test>\r\n${reply}Date: Mon, 30 Nov 2026 08:00:00 +0000\r\n\r\nText of message ${n}, a few words for the preview.\r\n`,
          ),
        );
        const staged = await sink.finish();
        await account.mailbox.append(inbox.id, staged, {
          flags: n % 3 === 0 ? 1 : 0,
          internalDate: 1_700_000_000 + n * 60,
        });
        await staged.release();
      }),
    );
  }
  const filter = { inMailbox: `F${inbox.id}` };
  const properties = ['from', 'subject', 'preview', 'receivedAt', 'keywords', 'hasAttachment', 'size', 'threadId'];
  const page = (query: object): readonly unknown[] => [
    ['Email/query', { accountId: 'a1', filter, limit: 50, ...query }, 'q'],
    ['Email/get', { accountId: 'a1', '#ids': { resultOf: 'q', name: 'Email/query', path: '/ids' }, properties }, 'g'],
  ];
  const rows: ReadonlyArray<readonly [string, readonly unknown[]]> = [
    ['first page', page({})],
    ['page in the middle, total', page({ position: 50_000, calculateTotal: true })],
    ['conversations', page({ collapseThreads: true, calculateTotal: true })],
    ['oldest first', page({ sort: [{ property: 'receivedAt', isAscending: true }] })],
    ['by size', page({ sort: [{ property: 'size', isAscending: false }] })],
    ['unread', page({ filter: { ...filter, notKeyword: '$seen' } })],
    [
      'flagged first',
      page({
        sort: [
          { property: 'someInThreadHaveKeyword', keyword: '$flagged', isAscending: false },
          { property: 'receivedAt', isAscending: false },
        ],
        collapseThreads: true,
      }),
    ],
    ['text', page({ filter: { ...filter, text: 'words' } })],
    ['folders', [['Mailbox/get', { accountId: 'a1' }, 'm']]],
  ];
  for (const [name, calls] of rows) {
    await account.calls(calls);
    const wall: number[] = [];
    const cpu: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const start = performance.now();
      const before = process.cpuUsage();
      await account.calls(calls);
      const { user, system } = process.cpuUsage(before);
      wall.push(performance.now() - start);
      cpu.push((user + system) / 1000);
    }
    const median = (values: number[]): string => (values.toSorted((a, b) => a - b)[ROUNDS / 2] ?? 0).toFixed(1);
    console.log(`${name.padEnd(28)} median ${median(wall)} ms, of CPU ${median(cpu)} ms`);
  }
} finally {
  await account.close();
  await rm(folder, { recursive: true });
}
