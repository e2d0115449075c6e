/** Rows of SEARCH, SORT and THREAD over the large INBOX. */
import { inBox, type Row } from '../row.ts';

function query(id: string, title: string, budget: number, command: string, rounds?: number): Row {
  return {
    id,
    title,
    unit: 'msg/s',
    budget,
    ...(rounds === undefined ? {} : { rounds }),
    prepare: (bench) => inBox(bench, async (client) => void (await client.ok(command))),
    measure: (bench) =>
      inBox(bench, async (client) => {
        const answer = await client.ok(command);
        return bench.count / (answer.ms / 1000);
      }),
  };
}

export const searchRows: readonly Row[] = [
  query('search-body', 'SEARCH BODY', 20, 'SEARCH BODY "zqxw needle"', 3),
  query('search-subject', 'SEARCH SUBJECT', 5, 'SEARCH SUBJECT "zqxw needle"'),
  query('search-since', 'SEARCH SINCE', 5, 'SEARCH SENTSINCE 1-Jan-2023'),
  query('sort', 'SORT (SUBJECT)', 1, 'SORT (SUBJECT) UTF-8 ALL'),
  query('sort-date', 'SORT (REVERSE DATE)', 1, 'SORT (REVERSE DATE) UTF-8 ALL'),
  query('thread', 'THREAD REFERENCES', 1, 'THREAD REFERENCES UTF-8 ALL'),
];
