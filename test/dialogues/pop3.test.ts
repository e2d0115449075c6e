/**
 * Plays the POP3 scripts of the TRANSACTION and UPDATE states on every engine, and tests what a script cannot say:
 * whole downloads, expunges from elsewhere, time-outs, draining. The states before logon belong to the front end.
 */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { glob, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, it, test } from 'node:test';
import { POP3_BAD_COMMANDS } from '../../src/wire/limits.ts';
import { play } from '../support/dialogue.ts';
import { engines } from '../support/dialogue-engines.ts';
import { parseScript } from '../support/dialogue-script.ts';
import { Pop3Client } from './pop3/client.ts';
import { append, openPop3Stage, type Pop3Stage } from './pop3/stage.ts';

const folder = path.join(import.meta.dirname, 'pop3');
const files: string[] = [];
for await (const file of glob('transaction/*.txt', { cwd: folder })) files.push(file);
assert.ok(files.length > 0, 'no dialogue scripts found');

async function onStage(open: () => Promise<Pop3Stage>, act: (stage: Pop3Stage) => Promise<void>): Promise<void> {
  const stage = await open();
  try {
    await act(stage);
  } finally {
    await stage.close();
  }
}

const message = (number: number, lines: number): Buffer =>
  Buffer.from(
    `Subject: message ${number}\r\n\r\n${Array.from({ length: lines }, (_, line) => `${line % 7 === 0 ? '.' : ''}line ${line}\r\n`).join('')}`,
  );

for (const engine of engines) {
  const open = async (): Promise<Pop3Stage> => openPop3Stage(await engine.open());
  describe(`POP3 on ${engine.name}`, { concurrency: 4 }, async () => {
    for (const file of files.sort()) {
      for (const scenario of parseScript(await readFile(path.join(folder, file), 'utf8'), file)) {
        test(`${file}: ${scenario.title}`, async () => play(scenario, file, await open()));
      }
    }

    it('gives back every byte, pipelined or one by one, upward, downward and at random', () =>
      onStage(open, async (stage) => {
        const messages = Array.from({ length: 60 }, (_, number) =>
          message(number, number === 30 ? 40_000 : number * 20),
        );
        for (const bytes of messages) await append(stage.database, stage.mailbox, 'INBOX', bytes);
        const client = new Pop3Client(await stage.connect());
        const upward = messages.map((_, index) => index + 1);
        for (const order of [upward, upward.toReversed(), [5, 6, 7, 50, 51, 1, 60, 31, 31, 30, 29]]) {
          for (const number of order) {
            assert.deepEqual(await client.multiLine(`RETR ${number}`), messages[number - 1], `message ${number}`);
          }
          client.send(order.map((number) => `RETR ${number}\r\n`).join(''));
          for (const number of order) assert.deepEqual(await client.multiLineReply(), messages[number - 1]);
        }
        assert.equal(await client.command('QUIT'), '+OK bye');
      }));

    it('serves a message that was expunged meanwhile, or says that it is gone', () =>
      onStage(open, async (stage) => {
        const uids: number[] = [];
        for (let number = 0; number < 3; number += 1) {
          uids.push(await append(stage.database, stage.mailbox, 'INBOX', message(number, 5)));
        }
        const client = new Pop3Client(await stage.connect());
        assert.match(await client.command('STAT'), /^\+OK 3 /);
        const inbox = stage.mailbox.folderByName('INBOX');
        assert.ok(inbox !== null);
        await stage.mailbox.expunge(inbox.id, Uint32Array.of(uids[1] ?? 0), { purge: true });
        client.send('RETR 2\r\n');
        const status = await client.line();
        if (status.startsWith('+OK')) assert.deepEqual(await client.body(), message(1, 5));
        else assert.match(status, /^-ERR \[SYS\/TEMP\]/);
        assert.deepEqual(await client.multiLine('RETR 3'), message(2, 5));
        assert.equal(await client.command('QUIT'), '+OK bye');
      }));

    it('lists 5,000 messages without holding the loop', () =>
      onStage(open, async (stage) => {
        for (let number = 0; number < 5_000; number += 1) {
          await append(stage.database, stage.mailbox, 'INBOX', Buffer.from(`X: ${number}\r\n\r\n`));
        }
        const client = new Pop3Client(await stage.connect());
        const list = (await client.multiLine('LIST')).toString('latin1').trimEnd().split('\r\n');
        assert.equal(list.length, 5_000);
        assert.equal(list[4_999], '5000 11');
        const uidls = (await client.multiLine('UIDL')).toString('latin1').trimEnd().split('\r\n');
        assert.equal(new Set(uidls.map((line) => line.split(' ')[1])).size, 5_000);
        client.hangUp();
      }));

    it('ends an idle session without a word and without deleting (RFC 1939 §3)', () =>
      onStage(open, async (stage) => {
        stage.settings.authenticatedConnectionTimeout = 0.01;
        await append(stage.database, stage.mailbox, 'INBOX', message(1, 1));
        const client = new Pop3Client(await stage.connect());
        client.send('DELE 1\r\n');
        assert.equal(await client.line(), '+OK message 1 deleted');
        assert.equal(await client.rest(), '');
        await stage.idle();
        assert.equal(stage.mailbox.folderByName('INBOX')?.exists, 1);
      }));

    it('says why it ends when the server drains', () =>
      onStage(open, async (stage) => {
        const client = new Pop3Client(await stage.connect());
        assert.equal(await client.command('NOOP'), '+OK');
        stage.drain.abort();
        assert.equal(await client.rest(), '-ERR [SYS/TEMP] the server is shutting down\r\n');
      }));

    it('ends a session of bad commands only', () =>
      onStage(open, async (stage) => {
        const client = new Pop3Client(await stage.connect());
        client.send('BOGUS\r\n'.repeat(POP3_BAD_COMMANDS + 10));
        const lines = (await client.rest()).trimEnd().split('\r\n');
        assert.equal(lines.length, POP3_BAD_COMMANDS + 2);
        assert.equal(lines.at(-1), '-ERR too many bad commands');
      }));
  });
}
