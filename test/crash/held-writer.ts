/** Accepts messages to be sent later, tells each one that is acknowledged, until it is killed. Started by held-kill.test.ts. */
import { Buffer } from 'node:buffer';
import { silentLog } from '../../src/observe/log.ts';
import { HeldMailSpool } from '../../src/transport/held/held-mail.ts';
import { nowhere } from './nowhere.ts';

const [directory = ''] = process.argv.slice(2);
const spool = await HeldMailSpool.open({ directory, transport: nowhere, serverName: 'a.org', log: silentLog });
async function* message(n: number): AsyncGenerator<Buffer> {
  yield Buffer.from(`Subject: ${n}\r\n\r\n`);
  for (let part = 0; part < n % 50; part += 1) yield Buffer.alloc(4096, 'x');
}
for (let n = 0; ; n += 1) {
  const at = Date.now();
  await spool.accept(
    {
      id: `S${process.pid}-${n}`,
      account: `a${n}`,
      user: 'u',
      reversePath: 'a@example.org',
      recipients: ['b@example.org'],
      acceptedAt: at,
      releaseAt: at + 3_600_000,
      clientAddress: '192.0.2.1',
      messageId: '',
      subject: String(n),
      dsn: null,
      notify: {},
      memo: '',
    },
    message(n),
  );
  process.stdout.write(`S${process.pid}-${n}\n`);
}
