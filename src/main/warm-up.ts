/**
 * What a server that has just started does before anyone asks: a made-up session on a mailbox in memory, through a
 * socket of its own, so that the paths every client takes are compiled when the first client comes. Without it the
 * first thousand commands of a process take two to three times as long as those behind them.
 *
 * Runs between other work, in rounds of about a millisecond, for at most WARM_UP_MS; a failure is no one's trouble
 * but the log's.
 */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createImapSession } from '../imap/session/session.ts';
import { type Log, silentLog } from '../observe/log.ts';
import { openMemoryDatabase } from '../store/engine/memory/index.ts';
import { mailboxId } from '../store/model.ts';
import { Connection } from '../wire/connection.ts';

/** Wall time of the whole warm-up, ms. */
const WARM_UP_MS = 1_500;
/** Behind this many rounds the compiler has had its say. */
const ROUNDS = 400;

const SETTINGS = {
  authenticatedConnectionTimeout: 60,
  showHiddenFoldersEnabled: false,
  maxMessageSize: 1_000_000,
  maxCommandSize: 10_240,
};

let isWarm = false;

/** Once a process. Resolves when it is over; never rejects. */
export async function warmUp(log: Log, stop: AbortSignal): Promise<void> {
  if (isWarm) return;
  isWarm = true;
  const began = performance.now();
  try {
    const rounds = await rehearse(stop, began + WARM_UP_MS);
    log.debug({ rounds, ms: Math.round(performance.now() - began) }, 'warmed up');
  } catch (error) {
    log.warn({ err: error }, 'the warm-up failed');
  }
}

async function rehearse(stop: AbortSignal, until: number): Promise<number> {
  const database = openMemoryDatabase();
  const [client, server] = await socketPair();
  try {
    const mailbox = await database.open(mailboxId('warm-up'));
    const session = createImapSession({
      handOver: { session: 'warm-up', stop },
      mailbox,
      stage: (options) => database.stage(options),
      log: silentLog,
      settings: () => SETTINGS,
    });
    const served = session.run(new Connection(server));
    let rounds = 0;
    while (rounds < ROUNDS && performance.now() < until && !stop.aborted && !client.destroyed) {
      client.write(commandsOf(rounds));
      await answered(client, `z${rounds} `);
      rounds += 1;
      await nextTurn();
    }
    client.destroy();
    await served;
    return rounds;
  } finally {
    client.destroy();
    server.destroy();
    await database.close();
  }
}

const MESSAGE = [
  'Message-ID: <number@warm-up.invalid>',
  'In-Reply-To: <0@warm-up.invalid>',
  'Date: Mon, 6 Jan 2025 10:00:00 +0100',
  'From: "Someone, else" <someone@warm-up.invalid>',
  'To: =?utf-8?q?J=C3=B6rg?= <somebody@warm-up.invalid>, other@warm-up.invalid',
  'Subject: Re: =?utf-8?b?R3LDvMOfZQ==?= number',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary="edge"',
  '',
  '--edge',
  'Content-Type: text/plain; charset=utf-8',
  'Content-Transfer-Encoding: quoted-printable',
  '',
  ...Array.from({ length: 40 }, () => 'A line of text as people write them, with an =C3=A4 somewhere in it.'),
  '--edge',
  'Content-Type: application/octet-stream; name="file.bin"',
  'Content-Disposition: attachment; filename="file.bin"',
  'Content-Transfer-Encoding: base64',
  '',
  ...Array.from({ length: 40 }, () => 'QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5'),
  '--edge--',
  '',
].join('\r\n');

/** One round: what mail programs do all day. */
function commandsOf(round: number): string {
  const message = MESSAGE.replaceAll('number', String(round));
  const sign = round % 2 === 0 ? '+' : '-';
  return [
    `a APPEND INBOX (\\Seen) {${message.length}+}`,
    message,
    'b SELECT INBOX',
    'c STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)',
    'd UID FETCH 1:16 (FLAGS)',
    'e FETCH 1:16 (UID ENVELOPE BODYSTRUCTURE INTERNALDATE RFC822.SIZE)',
    'f FETCH 1:16 (BODY.PEEK[HEADER.FIELDS (FROM TO SUBJECT DATE MESSAGE-ID)])',
    'g FETCH 1 (BODY.PEEK[])',
    `h STORE 1 ${sign}FLAGS (\\Flagged)`,
    `i UID STORE 1 ${sign}FLAGS.SILENT (\\Answered)`,
    'j NOOP',
    'k LIST "" "*"',
    `l UID SEARCH SUBJECT "number ${round}"`,
    `z${round} NOOP`,
    '',
  ].join('\r\n');
}

async function answered(client: Socket, tag: string): Promise<void> {
  let tail = '';
  for (;;) {
    const [chunk]: unknown[] = await once(client, 'data');
    tail = (tail + String(chunk)).slice(-200);
    if (tail.includes(`\r\n${tag}`)) return;
  }
}

/** Both ends of a connection nobody else can have. */
async function socketPair(): Promise<[client: Socket, server: Socket]> {
  const listener = createServer();
  try {
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const address = listener.address();
    if (address === null || typeof address === 'string') throw new Error('no port for the warm-up');
    const client = connect(address.port, '127.0.0.1');
    const accepted = once(listener, 'connection');
    await once(client, 'connect');
    const [server]: unknown[] = await accepted;
    if (!isSocket(server) || server.remotePort !== client.localPort) {
      client.destroy();
      throw new Error('someone else was quicker');
    }
    return [client, server];
  } finally {
    listener.close();
  }
}

const isSocket = (value: unknown): value is Socket => value instanceof Object && 'remotePort' in value;
