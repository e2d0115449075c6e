/**
 * Tables of the PostgreSQL engine, in a schema of their own. A schema change is one numbered step in MIGRATIONS, forward
 * only; one that a newer release has changed is refused. Servers that start at once take turns (advisory lock).
 *
 * What is large (contents, packed parse results and texts) is kept uncompressed out of line, so that a part of it is
 * read without the rest.
 */
import { Failure } from '../../../observe/failure.ts';
import type { Session } from './connections.ts';
import { numberIn, textIn } from './rows.ts';

export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE penfold_mail.lease (
     id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, server text NOT NULL, expires_at timestamptz NOT NULL);
   CREATE TABLE penfold_mail.mailbox (
     key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id text NOT NULL UNIQUE, lease bigint,
     epoch bigint NOT NULL DEFAULT 0, removed boolean NOT NULL DEFAULT false, folded bigint NOT NULL DEFAULT 0,
     highest_modseq bigint, next_folder bigint, next_content bigint, next_thread bigint, last_uid_validity bigint,
     standing jsonb
   ) WITH (fillfactor = 70);
   CREATE INDEX mailbox_lease ON penfold_mail.mailbox (lease) WHERE lease IS NOT NULL;
   CREATE TABLE penfold_mail.log (
     mailbox bigint, position bigint, parser integer NOT NULL, changes bytea NOT NULL, PRIMARY KEY (mailbox, position));
   CREATE TABLE penfold_mail.content (
     mailbox bigint, number bigint, part integer, size bigint NOT NULL, crc bigint NOT NULL, data bytea NOT NULL,
     PRIMARY KEY (mailbox, number, part));
   ALTER TABLE penfold_mail.content ALTER COLUMN data SET STORAGE EXTERNAL;
   CREATE TABLE penfold_mail.packed (
     mailbox bigint, kind smallint, start bigint, parser integer NOT NULL, data bytea NOT NULL,
     PRIMARY KEY (mailbox, kind, start));
   ALTER TABLE penfold_mail.packed ALTER COLUMN data SET STORAGE EXTERNAL;
   CREATE TABLE penfold_mail.folder (
     mailbox bigint, id bigint, name text NOT NULL, kind text NOT NULL, special_use text, hidden boolean NOT NULL,
     uid_validity bigint NOT NULL, uid_next bigint NOT NULL, highest_modseq bigint NOT NULL,
     message_count bigint NOT NULL, unseen bigint NOT NULL, deleted bigint NOT NULL, bytes bigint NOT NULL,
     keywords text[] NOT NULL, first_recent_uid bigint NOT NULL, modseq_floor bigint NOT NULL,
     expunge_floor bigint NOT NULL, PRIMARY KEY (mailbox, id));
   CREATE TABLE penfold_mail.chunk (
     mailbox bigint, folder bigint, number bigint, parser integer NOT NULL, data bytea NOT NULL,
     PRIMARY KEY (mailbox, folder, number));
   CREATE TABLE penfold_mail.expunged (
     mailbox bigint, folder bigint, modseq bigint, uids bytea NOT NULL, PRIMARY KEY (mailbox, folder, modseq));
   CREATE TABLE penfold_mail.uidl (
     mailbox bigint, folder bigint, uid bigint, text text NOT NULL, PRIMARY KEY (mailbox, folder, uid));
   CREATE TABLE penfold_mail.subscription (mailbox bigint, name text, PRIMARY KEY (mailbox, name));
   CREATE TABLE penfold_mail.thread_key (
     mailbox bigint, hash bigint, thread bigint NOT NULL, PRIMARY KEY (mailbox, hash));
   CREATE TABLE penfold_mail.former_folder (
     mailbox bigint, id bigint, name text NOT NULL, PRIMARY KEY (mailbox, id));`,
];

/** Everything kept of a mailbox but its row and its contents. */
export const MAILBOX_TABLES = [
  'log',
  'packed',
  'chunk',
  'expunged',
  'uidl',
  'subscription',
  'thread_key',
  'former_folder',
  'folder',
] as const;

/** Any number, the same in every release: who changes the schema holds it. */
const MIGRATION_LOCK = 7_230_411_993;

/** Within a transaction. @throws Failure UNAVAILABLE: a newer release was here, or commits would not be durable */
export async function migrate(session: Session): Promise<void> {
  await session.query(`SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`);
  await session.query('CREATE SCHEMA IF NOT EXISTS penfold_mail');
  await session.query('CREATE TABLE IF NOT EXISTS penfold_mail.version (number integer NOT NULL)');
  const [found] = await session.query('SELECT number FROM penfold_mail.version');
  const version = found === undefined ? 0 : numberIn(found, 'number');
  if (version > MIGRATIONS.length) {
    throw new Failure(
      'UNAVAILABLE',
      `The mailbox database was written by a newer release (format ${version}, this one reads up to ${MIGRATIONS.length}).`,
    );
  }
  const [setting] = await session.query("SELECT current_setting('synchronous_commit') AS value");
  if (setting !== undefined && textIn(setting, 'value') === 'off') {
    throw new Failure(
      'UNAVAILABLE',
      'PostgreSQL answers commits of this role before they are durable (synchronous_commit is off); set it to on.',
    );
  }
  for (const step of MIGRATIONS.slice(version)) await session.query(step);
  if (found === undefined) await session.query(`INSERT INTO penfold_mail.version VALUES (${MIGRATIONS.length})`);
  else if (version < MIGRATIONS.length)
    await session.query(`UPDATE penfold_mail.version SET number = ${MIGRATIONS.length}`);
}
