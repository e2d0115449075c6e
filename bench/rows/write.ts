/** Rows of changing: APPEND, STORE, COPY, MOVE, EXPUNGE. */
import { inBox, logOn, type Bench, type Row } from '../row.ts';

const APPENDS = 1_000;
const MANY = 10_000;
/** A kept directory holds the folders of earlier runs. */
const RUN = Date.now().toString(36);

function append(connections: number, budget: number): Row {
  return {
    id: `append-${connections}`,
    title: `APPEND durable, ${connections} connection${connections > 1 ? 's' : ''}`,
    unit: 'msg/s',
    budget,
    rounds: 3,
    measure: async (bench, round) => {
      const clients = await Promise.all(Array.from({ length: connections }, () => logOn(bench, 1)));
      const folder = `${RUN}-append-${connections}-${round}`;
      await clients[0]?.ok(`CREATE "${folder}"`);
      const messages = Array.from({ length: APPENDS }, (_, i) => bench.corpus.message(i));
      const started = performance.now();
      let next = 0;
      await Promise.all(
        clients.map(async (client) => {
          for (let message = messages[next++]; message !== undefined; message = messages[next++])
            await client.append(folder, message);
        }),
      );
      const rate = APPENDS / ((performance.now() - started) / 1000);
      for (const client of clients) client.close();
      return rate;
    },
  };
}

/** A folder with MANY messages of its own, copied from the large INBOX. */
async function folderOfMany(bench: Bench, name: string): Promise<void> {
  await inBox(bench, async (client) => {
    await client.command(`CREATE "${name}"`);
    await client.ok(`COPY 1:${MANY} "${name}"`);
  });
}

export const writeRows: readonly Row[] = [
  append(1, 1.5),
  append(8, 4),
  {
    id: 'store-many',
    title: `STORE 1:* of ${MANY}`,
    unit: 'msg/s',
    budget: 1,
    prepare: (bench) => folderOfMany(bench, `${RUN}-store`),
    measure: async (bench, round) => {
      const client = await logOn(bench);
      await client.ok(`SELECT "${RUN}-store"`);
      const answer = await client.ok(`STORE 1:* ${round % 2 === 0 ? '+' : '-'}FLAGS.SILENT (\\Flagged)`);
      client.close();
      return MANY / (answer.ms / 1000);
    },
  },
  {
    id: 'store-one',
    title: 'STORE of one message',
    unit: 'cmd/s',
    budget: 1,
    measure: (bench, round) =>
      inBox(bench, async (client) => {
        const times = 500;
        const started = performance.now();
        for (let i = 0; i < times; i += 1)
          await client.ok(
            `STORE ${1 + ((i * 101 + round + 1) % bench.count)} ${i % 2 === 0 ? '+' : '-'}FLAGS (\\Seen)`,
          );
        return times / ((performance.now() - started) / 1000);
      }),
  },
  {
    id: 'copy',
    title: `COPY of ${MANY}`,
    unit: 'msg/s',
    budget: 5,
    rounds: 3,
    measure: (bench, round) =>
      inBox(bench, async (client) => {
        await client.ok(`CREATE "${RUN}-copy-${round}"`);
        const answer = await client.ok(`COPY 1:${MANY} "${RUN}-copy-${round}"`);
        return MANY / (answer.ms / 1000);
      }),
  },
  {
    id: 'move',
    title: `MOVE of ${MANY}`,
    unit: 'msg/s',
    budget: 5,
    rounds: 3,
    measure: async (bench, round) => {
      await folderOfMany(bench, `${RUN}-move-from-${round}`);
      const client = await logOn(bench);
      await client.ok(`CREATE "${RUN}-move-to-${round}"`);
      await client.ok(`SELECT "${RUN}-move-from-${round}"`);
      const answer = await client.ok(`MOVE 1:* "${RUN}-move-to-${round}"`);
      client.close();
      return MANY / (answer.ms / 1000);
    },
  },
  {
    id: 'expunge',
    title: `EXPUNGE of ${MANY}`,
    unit: 'msg/s',
    budget: 5,
    rounds: 3,
    measure: async (bench, round) => {
      await folderOfMany(bench, `${RUN}-expunge-${round}`);
      const client = await logOn(bench);
      await client.ok(`SELECT "${RUN}-expunge-${round}"`);
      await client.ok('STORE 1:* +FLAGS.SILENT (\\Deleted)');
      const answer = await client.ok('EXPUNGE');
      client.close();
      return MANY / (answer.ms / 1000);
    },
  },
];
