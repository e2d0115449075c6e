/**
 * `node bench/moves.ts [--mailboxes 50] [--messages 200] [--think 50]`: mailboxes of corpus mail moved SQLite → SQLite →
 * PostgreSQL → SQLite while a client works in each; prints how long clients were without an answer.
 */
import { parseArgs } from 'node:util';
import { describeLeg, movesUnderLoad } from '../test/support/moves-under-load.ts';
import { stopSharedPostgres } from '../test/support/postgres.ts';

const { values } = parseArgs({
  options: {
    mailboxes: { type: 'string', default: '50' },
    messages: { type: 'string', default: '200' },
    think: { type: 'string', default: '50' },
  },
});
const legs = await movesUnderLoad({
  mailboxes: Number(values.mailboxes),
  messages: Number(values.messages),
  thinkMs: Number(values.think),
});
for (const leg of legs) console.log(describeLeg(leg));
await stopSharedPostgres();
