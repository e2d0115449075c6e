import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AUDIT_ENTRIES_KEPT, AUDIT_RETENTION_DAYS, auditDifference, databaseValues } from './audit.ts';
import { databaseId, serverId } from './model.ts';

test('an entry holds what changed, and nothing when nothing did', () => {
  const cases: ReadonlyArray<readonly [Parameters<typeof auditDifference>, ReturnType<typeof auditDifference>]> = [
    [[null, null], null],
    [[null, {}], { action: 'created', before: null, after: {} }],
    [[{ A: '1' }, null], { action: 'removed', before: { A: '1' }, after: null }],
    [[{ A: '1' }, { A: '1' }], null],
    [[{}, {}], null],
    [
      [
        { A: '1', B: '2' },
        { A: '1', B: '3' },
      ],
      { action: 'changed', before: { B: '2' }, after: { B: '3' } },
    ],
    // A value that comes or goes stands on its side only: passwords, limits a policy no longer sets.
    [[{}, { P: '*****' }], { action: 'changed', before: {}, after: { P: '*****' } }],
    [[{ P: '*****' }, {}], { action: 'changed', before: { P: '*****' }, after: {} }],
  ];
  for (const [[before, after], expected] of cases) assert.deepEqual(auditDifference(before, after), expected);
});

test('a connection URL is shown without its password', () => {
  const location = (given: string): string | undefined =>
    databaseValues({ id: databaseId('d'), name: 'D', server: serverId('s'), engine: 'postgres', location: given }, 'S')[
      'Location'
    ];
  assert.equal(location('databases/d'), 'databases/d');
  assert.equal(location('postgres://u:p:w@h:5432/d'), 'postgres://u:*****@h:5432/d');
  assert.equal(location('postgres://:pw@h/d'), 'postgres://:*****@h/d');
  assert.equal(location('postgres://u:p@ss/w@h/d'), 'postgres://u:*****@h/d');
  assert.equal(location('postgres://h/d?user=u&password=pw&x=y'), 'postgres://h/d?user=u&password=*****&x=y');
  assert.equal(location('postgresql://u@h/d'), 'postgresql://u@h/d');
  assert.equal(location('postgres://h:5432/d'), 'postgres://h:5432/d');
});

test('how long entries are kept', () => {
  assert.deepEqual([AUDIT_RETENTION_DAYS, AUDIT_ENTRIES_KEPT], [90, 1_000_000]);
});
