/**
 * The process that gets killed: 16 writers append, move, expunge and flag messages in one mailbox and tell on stdout
 * what the store has acknowledged, one line each, written before anything else happens.
 */
import fs from 'node:fs';
import { Buffer } from 'node:buffer';
import { openSqliteDatabase } from '../../src/store/engine/sqlite/index.ts';
import { FLAGGED, mailboxId } from '../../src/store/model.ts';
import { crashMessage } from './messages.ts';

const WRITERS = 16;
const [directory = '', mailboxName = '', round = '0'] = process.argv.slice(2);

const database = await openSqliteDatabase({ directory, segmentBytes: 2 * 1024 * 1024 });
const mailbox = await database.open(mailboxId(mailboxName));
const inbox = mailbox.folderByUse('inbox');
if (inbox === null) throw new Error('no INBOX');
const target = mailbox.folderByName('Moved') ?? (await mailbox.createFolder('Moved'));

function tell(...words: (string | number)[]): void {
  fs.writeSync(1, `${words.join(' ')}\n`);
}

async function write(writer: number): Promise<void> {
  if (inbox === null) return;
  for (let i = 0; ; i += 1) {
    const name = `r${round}-w${writer}-${i}`;
    const sink = database.stage();
    await sink.write(Buffer.from(crashMessage(name)));
    const staged = await sink.finish();
    const { uid } = await mailbox.append(inbox.id, staged, {});
    tell('appended', name, uid);
    await staged.release();
    const uids = Uint32Array.of(uid);
    if (i % 3 === 1) {
      await mailbox.setFlags(inbox.id, uids, { op: 'add', flags: FLAGGED, keywords: [`k${writer}`] });
      tell('flagged', name, uid);
    }
    if (i % 5 === 2) {
      const { target: moved } = await mailbox.move(inbox.id, uids, target.id);
      tell('moved', name, moved[0] ?? 0);
    }
    if (i % 7 === 3) {
      await mailbox.expunge(inbox.id, uids);
      tell('expunged', name, uid);
    }
  }
}

tell('ready');
await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
