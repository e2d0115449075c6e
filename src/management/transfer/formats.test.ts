/** Every file format, written and read back: bytes, dates, flags, keywords, folders, order, unique-ids. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { ANSWERED, DELETED, DRAFT, FLAGGED, SEEN } from '../../store/model.ts';
import { folderNameOfMaildir, folderNameOfPath, folderPath, maildirFolder } from './folder-names.ts';
import {
  crlfToLf,
  FromQuoting,
  MBOX_FORMATS,
  parseFromLine,
  quoteRule,
  unquoteRule,
  writeFromLine,
} from './mbox-lines.ts';
import type { ExportItem, MessageRecord, SourceItem, SourceMessage } from './record.ts';
import { folderRecord } from './record.ts';
import { measureSource, readSource, type SourceOptions } from './source.ts';
import { type ExportFormat, writeTree } from './write-tree.ts';

const scratch = await mkdtemp(path.join(tmpdir(), 'penfold-transfer-'));
after(() => rm(scratch, { recursive: true }));
const auto: SourceOptions = { format: 'auto', mboxFormat: 'auto', flat: false, dates: 'received' };

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

async function bytesOf(message: MessageRecord): Promise<Buffer> {
  return Buffer.concat(await all(message.chunks()));
}

async function messages(items: AsyncIterable<SourceItem>): Promise<Array<{ message: SourceMessage; text: string }>> {
  const found: Array<{ message: SourceMessage; text: string }> = [];
  for await (const item of items) {
    assert.notEqual(item.kind, 'problem', item.kind === 'problem' ? `${item.origin}: ${item.text}` : '');
    if (item.kind === 'message') {
      found.push({ message: item.message, text: (await bytesOf(item.message)).toString('latin1') });
    }
  }
  return found;
}

/** As stage() stores it. */
function normalized(text: string): string {
  return text.replaceAll(/\r?\n/g, '\r\n');
}

const large = `Subject: large\r\n\r\n${'From the start\r\n>From far\r\n0123456789\r\n'.repeat(60_000)}`;
const bodies = [
  'Subject: plain\r\n\r\nHello\r\n',
  'Subject: quoting\r\n\r\nFrom here\r\n>From there\r\n>>From everywhere\r\n\r\nFrom x Mon Jan  1 00:00:00 2001\r\nend\r\n',
  'Subject: no line end at the end\r\n\r\nlast',
  'From old@spool Thu Jan  1 00:00:00 1970\r\nSubject: stored with a From_ line\r\n\r\nx\r\n',
  'Status: RO\r\nX-Keywords: mine\r\nContent-Length: 3\r\nSubject: own fields\r\n\r\nxyz and more\r\n',
  'Subject: header only\r\n',
  '\r\nno header\r\n\r\n\r\n',
  'Subject: CR\r\n\r\na\rb\r\r\nc\r\n',
  'Subject: ends in CR\r\n\r\na\r',
  '\r\n',
  large,
];

function* exportItems(): Iterable<ExportItem> {
  const folders = [
    'INBOX',
    'Sent',
    'Projekte/Übersicht 2020',
    'odd: 100% "name"',
    '.dot.s.',
    'Projekte.x',
    'Projekte_x',
  ];
  for (const [f, name] of folders.entries()) {
    const some = f === 0 ? bodies : bodies.slice(f, f + 2);
    yield {
      kind: 'folder',
      folder: {
        ...folderRecord(name),
        specialUse: name === 'Sent' ? 'sent' : null,
        uidValidity: 7,
        uidNext: 50,
        messages: some.length,
      },
    };
    for (const [i, text] of some.entries()) {
      const bytes = Buffer.from(text, 'latin1');
      yield {
        kind: 'message',
        message: {
          folder: name,
          flags: [0, SEEN, SEEN | ANSWERED | FLAGGED, DRAFT, DELETED][i % 5] ?? 0,
          keywords: i % 3 === 0 ? ['$Label1', 'projekt'] : i % 3 === 1 ? ['$Forwarded'] : [],
          internalDate: 1_000_000_000 + f * 1000 + i,
          saveDate: 1_100_000_000,
          uid: 2 * i + 3,
          uidl: `uidl-${f}-${i}`,
          size: bytes.length,
          async *chunks() {
            for (let at = 0; at < bytes.length; at += 70_001) yield bytes.subarray(at, at + 70_001);
          },
        },
      };
    }
  }
}

async function* streamed(items: Iterable<ExportItem>): AsyncIterable<ExportItem> {
  yield* items;
}

const formats: readonly ExportFormat[] = ['eml', 'maildir', ...MBOX_FORMATS];
for (const format of formats) {
  test(`${format}: what is exported comes back`, async () => {
    const root = path.join(scratch, `export-${format}`);
    const written = await writeTree(root, { format, mailbox: 'a@b' }, streamed(exportItems()));
    assert.deepEqual(written.problems, []);
    // `.dot.s.` and the like cannot be told from a path: the index of the export knows them.
    const wanted = new Map<string, string[]>();
    for (const item of exportItems()) {
      if (item.kind === 'folder') wanted.set(item.folder.name, []);
      else
        wanted
          .get(item.message.folder)
          ?.push(await describe(item.message, (await bytesOf(item.message)).toString('latin1')));
    }
    const got = new Map<string, string[]>();
    for (const { message, text } of await messages(readSource([root], auto))) {
      const list = got.get(message.folder) ?? [];
      got.set(message.folder, list);
      list.push(await describe(message, normalized(text)));
    }
    assert.deepEqual([...got.keys()].sort(), [...wanted.keys()].sort());
    for (const [name, list] of wanted) assert.deepEqual(got.get(name), list, name);
    assert.ok((await measureSource([root], auto)) > large.length);

    const again = await writeTree(root, { format, mailbox: 'a@b' }, streamed(exportItems()));
    assert.equal(again.skippedFolders, 7);
    assert.equal(again.messages, 0);
    await assert.rejects(writeTree(root, { format, mailbox: 'c@d' }, streamed([])), /holds an export of a@b/);
  });
}

async function describe(message: MessageRecord, text: string): Promise<string> {
  const { flags, keywords, internalDate, uidl } = message;
  const shown = text.length > 1000 ? `${text.length} ${text.slice(0, 99)}` : text;
  return JSON.stringify([shown, flags, [...keywords].sort(), internalDate, uidl]);
}

test('a folder that holds something else is not written to', async () => {
  const root = path.join(scratch, 'taken');
  await mkdir(root);
  await writeFile(path.join(root, 'x'), '');
  await assert.rejects(writeTree(root, { format: 'eml', mailbox: 'a@b' }, streamed([])), /not empty/);
});

const fromLines: ReadonlyArray<[string, number | null | undefined]> = [
  ['From a@b Thu Jan  1 00:00:10 1970', 10],
  ['From a@b  Thu Jan 01 00:00 1970', 0],
  ['From - Thu Jan 01 00:00:10 1970', 10],
  ['From a Thu Jan  1 01:00:10 1970 +0100', 10],
  ['From a Thu Jan  1 00:00:10 PST 1970', 8 * 3600 + 10],
  ['From a Thu Jan  1 00:00:10 -0800 1970', 8 * 3600 + 10],
  ['From a@b Sat Sep  9 01:46:40 2001 remote from host', 1_000_000_000],
  ['From here on', null],
  ['>From a Thu Jan  1 00:00:10 1970', undefined],
];
for (const [line, date] of fromLines) {
  test(`From_ line: ${line}`, () => assert.equal(parseFromLine(line)?.date, date));
}

test('a written From_ line is read back', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_000_000_000 }), (date) => {
      assert.equal(parseFromLine(writeFromLine(date).trimEnd())?.date, date);
    }),
  );
});

test('quoting is undone for any bytes in any chunks', () => {
  const piece = fc.constantFrom('From ', 'Fro', '>', '>From', ' ', '\n', '\r\n', 'x', '\n>', '>>>>', '\nFrom ');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), fc.array(fc.integer({ min: 0, max: 9 })), (pieces, cuts) => {
      const text = pieces.join('');
      for (const format of ['mboxrd', 'mboxcl2'] as const) {
        const there = rewrite(text, quoteRule(format), cuts);
        if (format === 'mboxrd') assert.doesNotMatch(there, /(^|\n)From /);
        assert.equal(rewrite(there, unquoteRule(format), cuts.toReversed()), text);
      }
      assert.doesNotMatch(rewrite(text, quoteRule('mboxo'), cuts), /(^|\n)From /);
    }),
  );
});

function rewrite(text: string, rule: ReturnType<typeof quoteRule>, cuts: readonly number[]): string {
  if (rule === null) return text;
  const quoting = new FromQuoting(rule);
  const out: Buffer[] = [];
  let rest = Buffer.from(text);
  for (const cut of cuts) {
    out.push(quoting.push(rest.subarray(0, cut)));
    rest = rest.subarray(cut);
  }
  out.push(quoting.push(rest), quoting.end());
  return Buffer.concat(out).toString();
}

test('CRLF to LF', () => {
  for (const text of ['', '\r\n', 'a\r\nb\r\n', 'a\rb\n\r\n\r\n', '\r\r']) {
    assert.equal(crlfToLf(Buffer.from(text)).toString(), text.replaceAll('\r\n', '\n'));
  }
});

const foreign: ReadonlyArray<{ name: string; file: string; format?: SourceOptions['mboxFormat']; wanted: string[] }> = [
  {
    name: 'mboxo, two messages, one with flags',
    file: 'From a@b Thu Jan  1 00:00:10 1970\nStatus: RO\nX-Status: AF\n\n>From me\n\nFrom c@d Thu Jan  1 00:00:20 1970\n\nb\n\n',
    wanted: ['Status: RO\nX-Status: AF\n\nFrom me\n', '\nb\n'],
  },
  {
    name: 'mboxo keeps a doubly quoted line',
    format: 'mboxo',
    file: 'From a@b Thu Jan  1 00:00:10 1970\n\n>From me\n>>From you\n',
    wanted: ['\nFrom me\n>>From you\n'],
  },
  {
    name: 'mboxcl2: the length hides a From_ line, quoting is not undone',
    file: 'From a@b Thu Jan  1 00:00:10 1970\nContent-Length: 45\n\n>From me\nFrom x@y Thu Jan  1 00:00:10 1970\nz\n\nFrom c@d Thu Jan  1 00:00:20 1970\n\nb\n',
    wanted: ['Content-Length: 45\n\n>From me\nFrom x@y Thu Jan  1 00:00:10 1970\nz\n', '\nb\n'],
  },
  {
    name: 'a wrong Content-Length is not believed',
    file: 'From a@b Thu Jan  1 00:00:10 1970\nContent-Length: 3\n\nlonger than that\n\nFrom c@d Thu Jan  1 00:00:20 1970\nContent-Length: 9999\n\nb\n',
    wanted: ['Content-Length: 3\n\nlonger than that\n', 'Content-Length: 9999\n\nb\n'],
  },
  {
    name: 'CRLF file, a body line that begins with "From " and has no date',
    file: 'From a@b Thu Jan  1 00:00:10 1970\r\nA: b\r\n\r\nFrom now on\r\n\r\nFrom c@d Thu Jan  1 00:00:20 1970\r\n\r\nb\r\n',
    wanted: ['A: b\r\n\r\nFrom now on\r\n', '\r\nb\r\n'],
  },
];
for (const { name, file, format, wanted } of foreign) {
  test(`foreign mbox: ${name}`, async () => {
    const target = path.join(scratch, `${name.replaceAll(/\W/g, '-')}.mbox`);
    await writeFile(target, file, 'latin1');
    const found = await messages(readSource([target], { ...auto, mboxFormat: format ?? 'auto' }));
    assert.deepEqual(
      found.map((one) => one.text),
      wanted,
    );
  });
}

test('flags of a foreign mbox', async () => {
  const target = path.join(scratch, 'flags');
  await writeFile(
    target,
    'From - Thu Jan 01 00:00:10 1970\nX-Mozilla-Status: 0007\nX-Mozilla-Keys: $label1 work    \nX-UIDL: abc\n\n\n\nFrom - Thu Jan 01 00:00:10 1970\nstatus: R\nx-status: DT\n\n\n',
  );
  const [first, second] = await messages(readSource([target], auto));
  assert.equal(first?.message.flags, SEEN | ANSWERED | FLAGGED);
  assert.deepEqual(first?.message.keywords, ['$label1', 'work']);
  assert.equal(first?.message.uidl, 'abc');
  assert.equal(first?.message.internalDate, 10);
  assert.equal(second?.message.flags, SEEN | DELETED | DRAFT);
});

test('what is no mbox is a problem, not an end', async () => {
  const target = path.join(scratch, 'no.mbox');
  await writeFile(target, 'hello\n');
  const items = await all(readSource([target], { ...auto, format: 'mbox' }));
  assert.deepEqual(
    items.map((item) => item.kind),
    ['problem'],
  );
});

test('foreign Maildir++: folders, flags, keywords, order and unique-ids of Dovecot, dates of the files', async () => {
  const root = path.join(scratch, 'Maildir');
  for (const folder of ['', '.Gesendet', '.Entw&APw-rfe.2020']) {
    for (const sub of ['cur', 'new', 'tmp']) await mkdir(path.join(root, folder, sub), { recursive: true });
  }
  const put = async (name: string): Promise<void> => {
    await writeFile(path.join(root, name), `Subject: ${name}\n\n`);
    await utimes(path.join(root, name), 1234, 1234);
  };
  await put('cur/200.b.host:2,FS');
  await put('cur/300.c.host:2,RTab');
  await put('new/100.a.host');
  await put('new/.hidden');
  await put('.Gesendet/cur/1.x:2,DP');
  await put('.Entw&APw-rfe.2020/new/1.y');
  await writeFile(path.join(root, 'dovecot-keywords'), '0 $Label1\n1 projekt\n');
  await writeFile(path.join(root, 'dovecot-uidlist'), '3 V1 N9 Gabc\n3 P00af W100 :300.c.host\n5 :200.b.host\n');
  const found = await messages(readSource([root], auto));
  assert.deepEqual(
    found.map(({ message: m }) => [m.folder, path.basename(m.origin), m.flags, m.keywords, m.uidl, m.internalDate]),
    [
      ['', '300.c.host:2,RTab', ANSWERED | DELETED, ['$Label1', 'projekt'], '00af', 1234],
      ['', '200.b.host:2,FS', FLAGGED | SEEN, [], null, 1234],
      ['', '100.a.host', 0, [], null, 1234],
      ['Entwürfe/2020', '1.y', 0, [], null, 1234],
      ['Gesendet', '1.x:2,DP', DRAFT, ['$Forwarded'], null, 1234],
    ],
  );
});

test('a tree of .eml keeps its order and bytes; flat puts all into one folder', async () => {
  const root = path.join(scratch, 'tree');
  await mkdir(path.join(root, 'b', 'c'), { recursive: true });
  const files = {
    'a.eml': 'A: 1\n\n',
    'b/1.EML': 'From x y\nB: \r\n',
    'b/c/z.eml': '\r\r\n\u0000',
    'd.eml': '',
    'notes.txt': 'x',
  };
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(root, name), text);
  for (const flat of [false, true]) {
    const items = await all(readSource([root], { ...auto, flat }));
    const seen = items.map((item) =>
      item.kind === 'message' ? [path.relative(root, item.message.origin), item.message.folder] : item.kind,
    );
    const folders = flat ? ['', '', ''] : ['', 'b', 'b/c'];
    assert.deepEqual(seen, [['a.eml', folders[0]], ['b/1.EML', folders[1]], ['b/c/z.eml', folders[2]], 'problem']);
    for (const item of items) {
      if (item.kind === 'message') assert.deepEqual(await bytesOf(item.message), await readFile(item.message.origin));
    }
  }
});

test('folder names survive as file names', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }), (text) => {
      const name = text.normalize('NFC');
      if (name.includes('/') || /[\u0080-\uffff]/.test(name)) return;
      assert.equal(folderNameOfPath(folderPath(name)), name);
    }),
  );
  assert.equal(maildirFolder('Entwürfe/a&b'), '.Entw&APw-rfe.a&-b');
  assert.equal(folderNameOfMaildir('.Entw&APw-rfe.a&-b'), 'Entwürfe/a&b');
  assert.equal(folderNameOfMaildir('.kein &utf7!'), 'kein &utf7!');
});

test('a loose .eml arrived when its topmost Received field says, else its Date, else at the time of the file', async () => {
  const root = path.join(scratch, 'dates');
  await mkdir(root);
  const old = 'Date: Fri, 2 Jan 2026 03:04:05 +0100\n';
  const cases: Readonly<Record<string, readonly [text: string, date: number]>> = {
    'received.eml': [
      `Received: from a by b; Sat, 3 Jan 2026\n 10:00:00 +0000 (UTC)\nReceived: from c by a; Fri, 2 Jan 2026 10:00:00 +0000\n${old}\n`,
      Date.UTC(2026, 0, 3, 10) / 1000,
    ],
    'no-received.eml': [`Subject: x\n${old}\n`, Date.UTC(2026, 0, 2, 2, 4, 5) / 1000],
    'odd-received.eml': [`Received: from a by b\n${old}\n`, Date.UTC(2026, 0, 2, 2, 4, 5) / 1000],
    'ahead.eml': ['Date: Fri, 2 Jan 2099 03:04:05 +0100\n\n', 1_600_000_000],
    'nothing.eml': ['Subject: x\n\nDate: Fri, 2 Jan 2026 03:04:05 +0100\n', 1_600_000_000],
  };
  for (const [name, [text]] of Object.entries(cases)) {
    await writeFile(path.join(root, name), text);
    await utimes(path.join(root, name), 1_600_000_000, 1_600_000_000);
  }
  const found = await messages(readSource([root], auto));
  for (const { message } of found) {
    assert.equal(message.internalDate, cases[path.basename(message.origin)]?.[1], message.origin);
  }
  const byFile = await messages(readSource([root], { ...auto, dates: 'file' }));
  assert.deepEqual(new Set(byFile.map(({ message }) => message.internalDate)), new Set([1_600_000_000]));
  assert.equal(byFile.length, Object.keys(cases).length);
});
