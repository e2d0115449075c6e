/**
 * Twenty clients on one mailbox do everything at once, and each checks every answer against what it was told before:
 * sequence numbers, UIDs, flags, MODSEQ (client.ts). In the end all views and a fresh one must be the same.
 * PENFOLD_CHECKER_SECONDS sets how long each engine is under load, PENFOLD_CHECKER_SEED repeats a run.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { engines } from '../support/dialogue-engines.ts';
import { openImapStage } from '../support/dialogue-imap.ts';
import { act, type Player, randomFrom } from './actions.ts';
import { CheckedClient, SharedTruth } from './client.ts';

const CLIENTS = 20;
const FIRST_MESSAGES = 100;
const seconds = Number(process.env['PENFOLD_CHECKER_SECONDS'] ?? 3);
const seed = Number(process.env['PENFOLD_CHECKER_SEED'] ?? Date.now() % 1_000_000);

for (const engine of engines) {
  test(`${CLIENTS} clients on one mailbox, ${engine.name}, ${seconds} s, seed ${seed}`, async (context) => {
    const stage = await openImapStage(await engine.open());
    const truth = new SharedTruth();
    const players: Player[] = [];
    try {
      const open = async (name: string): Promise<CheckedClient> =>
        new CheckedClient(name, await stage.connect(), truth);
      const first = await open('first');
      for (let i = 0; i < FIRST_MESSAGES; i += 1) {
        await first.send('APPEND INBOX', Buffer.from(`From: a@example.org\r\nSubject: first-${i}\r\n\r\ntext\r\n`));
      }
      first.close();
      for (let i = 0; i < CLIENTS; i += 1) {
        const client = await open(`c${i}`);
        players.push({ client, random: randomFrom(seed * 100 + i), appends: 0 });
        await client.send(i % 2 === 0 ? 'SELECT INBOX (CONDSTORE)' : 'SELECT INBOX');
        await client.send('FETCH 1:* (UID FLAGS)');
      }

      const until = performance.now() + seconds * 1000;
      let steps = 0;
      await Promise.all(
        players.map(async (player) => {
          while (performance.now() < until) {
            await act(player);
            player.appends += 1;
            steps += 1;
          }
        }),
      );

      const fresh = await open('fresh');
      await fresh.send('SELECT INBOX');
      await fresh.send('FETCH 1:* (UID FLAGS MODSEQ)');
      for (const { client } of players) {
        await client.send('NOOP');
        if (client.slots.includes(null)) await client.send('FETCH 1:* (UID)');
        assert.deepEqual(client.slots, fresh.slots, `${client.name} sees other messages`);
        for (const [uid, { flags }] of client.known) {
          // Never asked for: this client knows only its MODSEQ.
          if (flags === null) continue;
          assert.equal(flags, fresh.known.get(uid)?.flags, `${client.name} sees other flags of UID ${uid}`);
        }
      }
      fresh.close();
      const report = await stage.database.verify(stage.mailbox.id);
      assert.deepEqual(report.problems, []);
      assert.deepEqual(stage.errors, []);
      const lines = players.reduce((sum, { client }) => sum + client.lines, 0);
      context.diagnostic(`${steps} commands, ${lines} answers, ${fresh.slots.length} messages at the end`);
      assert.ok(steps > CLIENTS, 'the clients did nothing');
    } finally {
      for (const { client } of players) client.close();
      await stage.close();
    }
  });
}
