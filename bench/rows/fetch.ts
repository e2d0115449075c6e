/** Rows of reading: FETCH of columns, fragments and bodies. */
import { inBox, type Row } from '../row.ts';

/** Commands a round: one of ours is over before a busy machine has had a thought of its own. */
const REPEATED = 5;

function whole(id: string, title: string, budget: number, items: string): Row {
  return {
    id,
    title,
    unit: 'msg/s',
    budget,
    prepare: (bench) => inBox(bench, async (client) => void (await client.ok(`FETCH 1:* (${items})`))),
    measure: (bench) =>
      inBox(bench, async (client) => {
        let ms = 0;
        for (let i = 0; i < REPEATED; i += 1) ms += (await client.ok(`FETCH 1:* (${items})`)).ms;
        return (bench.count * REPEATED) / (ms / 1000);
      }),
  };
}

function bodies(id: string, title: string, budget: number, secure: boolean): Row {
  return {
    id,
    title,
    unit: 'MB/s',
    budget,
    rounds: 3,
    measure: (bench) =>
      inBox(
        bench,
        async (client) => {
          const answer = await client.ok('FETCH 1:* BODY.PEEK[]');
          return answer.bytes / 1e6 / (answer.ms / 1000);
        },
        secure,
      ),
  };
}

export const fetchRows: readonly Row[] = [
  {
    id: 'fetch-envelope-first',
    title: 'FETCH (UID ENVELOPE BODYSTRUCTURE), first',
    unit: 'msg/s',
    budget: 10,
    rounds: 3,
    measure: async (bench) => {
      await bench.peer.forget();
      return inBox(bench, async (client) => {
        const answer = await client.ok('FETCH 1:* (UID ENVELOPE BODYSTRUCTURE)');
        return bench.count / (answer.ms / 1000);
      });
    },
  },
  whole('fetch-envelope', 'FETCH (UID ENVELOPE BODYSTRUCTURE), warm', 10, 'UID ENVELOPE BODYSTRUCTURE'),
  whole('fetch-flags', 'FETCH (UID FLAGS)', 3, 'UID FLAGS'),
  whole(
    'fetch-headers',
    'FETCH of five header fields',
    3,
    'UID BODY.PEEK[HEADER.FIELDS (DATE FROM TO SUBJECT MESSAGE-ID)]',
  ),
  bodies('bodies', 'BODY[] of all, plain', 1.3, false),
  bodies('bodies-tls', 'BODY[] of all, TLS', 2, true),
  {
    id: 'one-body',
    title: 'one random body',
    unit: 'msg/s',
    budget: 1,
    measure: (bench, round) =>
      inBox(bench, async (client) => {
        const times = 400;
        const started = performance.now();
        for (let i = 0; i < times; i += 1)
          await client.ok(`UID FETCH ${1 + ((i * 7919 + (round + 1) * 104_729) % bench.count)} BODY.PEEK[]`);
        return times / ((performance.now() - started) / 1000);
      }),
  },
];
