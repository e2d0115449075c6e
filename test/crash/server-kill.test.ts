/**
 * kill -9 of a whole server while mail streams in by SMTP and APPEND: after each restart every acknowledged message is
 * there once with its bytes and flags, STATUS equals a recount by FETCH, UIDs never go back, `penfold verify` is clean.
 * PENFOLD_CRASH_MESSAGES sets the length of the stream (10,000 in the acceptance of issue 2).
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type ChildServer, penfold } from '../support/child-server.ts';
import { type DemoServer, imapLogon, startDemo } from '../support/demo-server.ts';
import { crashMessage, nameOf } from './messages.ts';
import { append, deliver, isFlagged, Ledger } from './streams.ts';

const MESSAGES = Number(process.env['PENFOLD_CRASH_MESSAGES'] ?? 1_500);
const KILLS = 3;
const SMTP_CLIENTS = 6;
const IMAP_CLIENTS = 6;
/** Milliseconds at most between an acknowledgement and the kill, so that it falls anywhere in the work of the next ones. */
const SURPRISE_MS = 25;
const FETCHED_AT_ONCE = 200;

test(`kill -9 in a stream of ${MESSAGES} messages`, { timeout: 60_000 + MESSAGES * 30 }, async (t) => {
  const root = await mkdtemp(path.join(tmpdir(), 'penfold-server-kill-'));
  const data = path.join(root, 'data');
  const servers: ChildServer[] = [];
  t.after(async () => {
    for (const each of servers) await each.stop('SIGKILL');
    await rm(root, { recursive: true });
  });
  const start = async (...words: string[]): Promise<DemoServer> => {
    const server = await startDemo(data, ...words);
    servers.push(server.child);
    return server;
  };

  let target = await start('--ports', 'auto');
  const ledger = new Ledger(MESSAGES);
  const uids = new Map<string, string>();
  const kills: string[] = [];
  for (let round = 0; round < KILLS; round += 1) {
    const before = ledger.acknowledged.size;
    const span = MESSAGES / KILLS;
    const moment = ledger.reaches(Math.ceil(before + span * (0.3 + 0.6 * Math.random())));
    const clients = [
      ...Array.from({ length: SMTP_CLIENTS }, (_, i) => deliver(target, String(round), i, ledger)),
      ...Array.from({ length: IMAP_CLIENTS }, (_, i) => append(target, String(round), i, ledger)),
    ];
    await Promise.race([moment, Promise.all(clients).then(() => assert.fail('the stream ended before the kill'))]);
    await delay(Math.random() * SURPRISE_MS);
    await servers.at(-1)?.stop('SIGKILL');
    await Promise.all(clients);
    kills.push(
      `${ledger.acknowledged.size - before} acknowledged, ${ledger.sent.size - ledger.acknowledged.size} open`,
    );
    target = await start();
    await check(target, ledger, uids);
  }
  // The stream goes on behind the last restart.
  await Promise.all([
    ...Array.from({ length: SMTP_CLIENTS }, (_, i) => deliver(target, 'last', i, ledger)),
    ...Array.from({ length: IMAP_CLIENTS }, (_, i) => append(target, 'last', i, ledger)),
  ]);
  const unasked = await check(target, ledger, uids);
  await servers.at(-1)?.stop();
  const verified = await penfold(['verify', '--data', data]);
  assert.equal(verified.code, 0, verified.stdout + verified.stderr);
  assert.match(verified.stdout, /: no problem$/m);
  const { sent, acknowledged } = ledger;
  t.diagnostic(
    `${sent.size} sent, ${acknowledged.size} acknowledged and found; ${unasked} more found once without having been ` +
      `acknowledged; kills: ${kills.join(' | ')}; ${verified.stdout.trim()}`,
  );
});

/** @returns how many messages are there that nobody was told about */
async function check(target: DemoServer, ledger: Ledger, uids: Map<string, string>): Promise<number> {
  let unasked = 0;
  const found = new Set<string>();
  for (const [index, { address }] of target.mailboxes.entries()) {
    const imap = await imapLogon(target, index);
    const { untagged } = await imap.command('STATUS INBOX (MESSAGES UNSEEN UIDNEXT UIDVALIDITY HIGHESTMODSEQ)');
    const status = numbers(String(untagged[0]));
    await imap.command('EXAMINE INBOX');
    const count = { MESSAGES: 0, UNSEEN: 0 };
    let lastUid = 0;
    const total = status.get('MESSAGES') ?? 0;
    for (let first = 1; first <= total; first += FETCHED_AT_ONCE) {
      const last = Math.min(total, first + FETCHED_AT_ONCE - 1);
      const answers = await imap.command(`FETCH ${first}:${last} (UID FLAGS MODSEQ RFC822.SIZE BODY.PEEK[])`);
      for (const answer of answers.untagged) {
        const message = fetched(answer);
        count.MESSAGES += 1;
        if (!message.flags.includes('\\Seen')) count.UNSEEN += 1;
        assert.ok(message.uid > lastUid, 'UIDs rise');
        lastUid = message.uid;
        assert.ok(message.modSeq <= (status.get('HIGHESTMODSEQ') ?? 0), 'HIGHESTMODSEQ covers every message');
        const name = nameOf(message.text);
        if (name === '') {
          assert.match(message.text, /Welcome to Penfold/);
          continue;
        }
        assert.equal(ledger.sent.get(name), address, `${name} lies with its owner`);
        assert.ok(!found.has(name), `${name} is there twice`);
        found.add(name);
        if (!ledger.acknowledged.has(name)) unasked += 1;
        assert.ok(message.text.endsWith(crashMessage(name)), `${name} has its bytes`);
        const trace = message.text.slice(0, -crashMessage(name).length);
        if (name.startsWith('i')) assert.equal(trace, '');
        else
          assert.match(trace, /^Return-Path: <crash@elsewhere\.example>\r\nReceived: (?:[^\r]+\r\n[ \t])*[^\r]+\r\n$/);
        assert.equal(message.flags.includes('\\Flagged'), isFlagged(name), `flags of ${name}`);
        const uid = `${status.get('UIDVALIDITY')}/${message.uid}`;
        assert.equal(uids.get(name) ?? uid, uid, `${name} keeps its UID`);
        uids.set(name, uid);
      }
    }
    for (const [item, recount] of Object.entries(count)) assert.equal(status.get(item), recount, `${address} ${item}`);
    assert.ok((status.get('UIDNEXT') ?? 0) > lastUid);
    imap.hangUp();
  }
  for (const name of ledger.acknowledged.keys())
    assert.ok(found.has(name), `${name} was acknowledged and is not there`);
  return unasked;
}

function numbers(answer: string): Map<string, number> {
  return new Map([...answer.matchAll(/([A-Z]+) (\d+)/g)].map(([, item = '', value]) => [item, Number(value)]));
}

function fetched(answer: Buffer): { uid: number; modSeq: number; flags: string; text: string } {
  const head = answer.toString('latin1', 0, answer.indexOf('\r\n'));
  const size = Number(/BODY\[\] \{(\d+)\}$/.exec(head)?.[1]);
  const start = head.length + 2;
  const items = head + answer.toString('latin1', start + size);
  assert.equal(Number(/RFC822\.SIZE (\d+)/.exec(items)?.[1]), size);
  return {
    uid: Number(/\bUID (\d+)/.exec(items)?.[1]),
    modSeq: Number(/MODSEQ \((\d+)\)/.exec(items)?.[1]),
    flags: /FLAGS \(([^)]*)\)/.exec(items)?.[1] ?? '',
    text: answer.toString('latin1', start, start + size),
  };
}
