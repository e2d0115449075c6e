/** The PostgreSQL engine, each test in a database of its own; skipped with the reason where there is no PostgreSQL. */
import { after, test } from 'node:test';
import { postgresMissing, stopSharedPostgres } from '../support/postgres.ts';
import { onPostgres } from './postgres-store.ts';
import { storeConformance } from './store.ts';

const missing = postgresMissing();

after(() => stopSharedPostgres());

if (missing === null) storeConformance('postgres', onPostgres, { histories: 15 });
else test('postgres: the conformance suite', { skip: missing }, () => {});
