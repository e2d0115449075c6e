/** Rows of POP3 download and SMTP delivery. */
import { RawPop3 } from '../client/pop3.ts';
import { RawSmtp } from '../client/smtp.ts';
import { logOn, type Row } from '../row.ts';

const DOWNLOADED = 10_000;
const DELIVERED = 1_000;
const CONNECTIONS = 8;

function download(secure: boolean): Row {
  return {
    id: secure ? 'pop3-tls' : 'pop3',
    title: `POP3 full download, ${secure ? 'TLS' : 'plain'}`,
    unit: 'MB/s',
    budget: 2,
    measure: async (bench) => {
      const user = bench.peer.users[0];
      if (user === undefined) throw new Error('no user');
      const client = await RawPop3.logOn(secure ? bench.peer.pop3s : bench.peer.pop3, user.name, user.password);
      const done = await client.downloadAll(Math.min(DOWNLOADED, bench.count), 32);
      client.close();
      return done.bytes / 1e6 / (done.ms / 1000);
    },
  };
}

export const deliveryRows: readonly Row[] = [
  download(false),
  download(true),
  {
    id: 'smtp',
    title: 'SMTP accepted and in the Inbox (peer: Postfix + LMTP)',
    unit: 'msg/s',
    budget: 3,
    rounds: 3,
    measure: async (bench) => {
      const { smtp } = bench.peer;
      const user = bench.peer.users[17];
      if (smtp === null || user === undefined) throw new Error(`${bench.peer.name} has no SMTP`);
      const to = user.name.includes('@') ? user.name : `${user.name}@bench.example`;
      const watcher = await logOn(bench, 17);
      const exists = async (): Promise<number> =>
        Number(/MESSAGES (\d+)/.exec((await watcher.ok('STATUS INBOX (MESSAGES)')).tail)?.[1]);
      const before = await exists();
      const messages = Array.from({ length: DELIVERED }, (_, i) => stuffed(bench.corpus.message(i)));
      const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => RawSmtp.connect(smtp)));
      const started = performance.now();
      let next = 0;
      await Promise.all(
        clients.map(async (client) => {
          for (let message = messages[next++]; message !== undefined; message = messages[next++])
            await client.send('sender@elsewhere.example', to, message);
        }),
      );
      // Accepted is not delivered where a queue stands between.
      while ((await exists()) < before + DELIVERED);
      const rate = DELIVERED / ((performance.now() - started) / 1000);
      for (const client of clients) client.close();
      watcher.close();
      return rate;
    },
  },
];

/** RFC 5321 §4.5.2. */
function stuffed(message: Buffer): Buffer {
  return Buffer.from(message.toString('latin1').replace(/^\./gm, '..'), 'latin1');
}
