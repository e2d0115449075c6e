/** A few mailboxes moved between SQLite databases and PostgreSQL and back while clients work; bench/moves.ts moves many. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { describeLeg, movesUnderLoad } from '../support/moves-under-load.ts';
import { postgresMissing, stopSharedPostgres } from '../support/postgres.ts';

after(() => stopSharedPostgres());

test('mailboxes move from database to database under load, and nothing acknowledged is missing', async (t) => {
  const legs = await movesUnderLoad({ mailboxes: 3, messages: 60, thinkMs: 5 });
  for (const leg of legs) t.diagnostic(describeLeg(leg));
  assert.equal(legs.length, postgresMissing() === null ? 3 : 2);
  for (const { locks, interruptions } of legs) {
    assert.equal(locks.length, 3);
    assert.ok(interruptions.length >= 3, 'each client was sent away and came back');
  }
});
