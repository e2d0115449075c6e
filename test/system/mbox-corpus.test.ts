/**
 * Every .mbox file of the corpus through `penfold import`, and each message out again by IMAP, byte for byte as an
 * independent reading of the file has it. What that reading takes for a message:
 *
 * - it begins behind a line that begins with "From " and holds a time and a year, wherever such a line stands (some
 *   files have no empty line before it; some hold a whole mbox as an attachment, which nothing in the file can tell
 *   from messages);
 * - it ends before the next such line or the end of the file, and one empty line before that belongs to the file;
 *   where Content-Length names an end with nothing but empty lines behind it, that end holds;
 * - `>From ` at a line start, with any number of `>`, loses one (mboxrd); a bare LF becomes CRLF.
 */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { penfold } from '../support/child-server.ts';
import { corpusMboxes, corpusMissing } from '../support/corpus.ts';
import { type DemoServer, imapLogon, startDemo } from '../support/demo-server.ts';
import type { RawImap } from '../support/raw-imap.ts';

/** Hard text without any From_ line: no mbox, whatever its name says. */
const NO_MBOX = ['mbox__endive.mbox'];

function messagesOf(text: string): string[] {
  const starts = [...text.matchAll(/(?<![^\n])From [^\n]*\d{1,2}:\d{2}[^\n]*\b\d{4}\b[^\n]*\n?/g)].map((match) => ({
    from: match.index,
    start: match.index + match[0].length,
  }));
  return starts.map(({ start }, index) => {
    const whole = text.slice(start, starts[index + 1]?.from ?? text.length);
    return (byContentLength(whole) ?? whole.replace(/(?<=\n)\r?\n$/, ''))
      .replace(/(?<![^\n])>(>*From )/g, '$1')
      .replace(/(?<!\r)\n/g, '\r\n');
  });
}

function byContentLength(whole: string): string | null {
  const head = /^[^]*?(?:^|\n)\r?\n/.exec(whole)?.[0] ?? '';
  const length = /^Content-Length:\s*(\d+)/im.exec(head)?.[1];
  if (length === undefined) return null;
  const end = head.length + Number(length);
  return end <= whole.length && /^(?:\r?\n){0,2}$/.test(whole.slice(end)) ? whole.slice(0, end) : null;
}

describe('mbox files of the corpus', { skip: corpusMissing() }, () => {
  let root: string;
  let server: DemoServer;
  before(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'penfold-mbox-'));
    server = await startDemo(path.join(root, 'data'), '--ports', 'auto');
  });
  after(async () => {
    await server.child.stop();
    await rm(root, { recursive: true });
  });

  test('all are taken, none is fatal, every message has its bytes', async (t) => {
    const files = corpusMboxes();
    assert.ok(files.length > 40, `only ${files.length} .mbox files`);
    const source = path.join(root, 'source');
    await mkdir(source);
    const folders = files.map((file, index) => ({ file, name: `m${index}` }));
    for (const { file, name } of folders) await cp(file, path.join(source, `${name}.mbox`));
    const address = server.mailboxes[0]?.address ?? '';
    const words = ['import', source, '--mailbox', address, '--folder', 'Mbox', '--data', path.join(root, 'data')];
    const done = await penfold(words);
    // 4: something was reported and passed over.
    assert.equal(done.code, 4, done.stdout + done.stderr);
    const reports = done.stderr.split('\n').filter((line) => line.startsWith('skipped: '));
    const expected = folders.filter(({ file }) => NO_MBOX.includes(path.basename(file)));
    assert.deepEqual(
      reports,
      expected.map(
        ({ name }) => `skipped: ${path.join(source, `${name}.mbox`)}: is no mbox file: it has no From_ line`,
      ),
    );

    const client = await imapLogon(server, 0);
    let messages = 0;
    for (const { file, name } of folders) {
      const wanted = messagesOf(await readFile(file, 'latin1'));
      const got = wanted.length === 0 ? [] : await bodies(client, `Mbox/${name}`);
      assert.equal(got.length, wanted.length, file);
      for (const [index, text] of wanted.entries()) {
        assert.ok(got[index] === text, `${file}, message ${index + 1} has other bytes`);
      }
      messages += got.length;
    }
    client.hangUp();
    assert.match(done.stdout, new RegExp(`^imported ${messages} messages, ${expected.length} could not be taken`));
    t.diagnostic(`${files.length} files, ${messages} messages`);
  });
});

async function bodies(client: RawImap, folder: string): Promise<string[]> {
  await client.command(`EXAMINE ${folder}`);
  const { untagged } = await client.command('FETCH 1:* (BODY.PEEK[])');
  return untagged.map((answer) => {
    const start = answer.indexOf('\r\n') + 2;
    const size = Number(/\{(\d+)\}$/.exec(answer.toString('latin1', 0, start - 2))?.[1]);
    assert.equal(Buffer.byteLength(answer), start + size + 1);
    return answer.toString('latin1', start, start + size);
  });
}
