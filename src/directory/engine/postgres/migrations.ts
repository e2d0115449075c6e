/**
 * The directory's tables in PostgreSQL, as numbered steps forward. A released step never changes; a new one is added
 * behind it. Keys and names compare byte by byte (COLLATE "C"), as in SQLite, whatever language the database has.
 */
import { Failure } from '../../../observe/failure.ts';
import { numberOf } from '../sql/rows.ts';
import { type Connection, SCHEMA } from './connection.ts';

/** Advisory locks (manual §13.3.5) of this database: who brings the tables up to date, who writes. */
export const MIGRATION_LOCK = 0x50464401;
export const WRITE_LOCK = 0x50464402;

/** A step on a large directory may take a while. */
const STEP_MS = 120_000;

const TEXT = 'text COLLATE "C"';

const STEPS: readonly string[] = [
  `
  CREATE TABLE organization (
    one integer PRIMARY KEY CHECK (one = 1),
    name text NOT NULL,
    transport_config json NOT NULL
  );
  INSERT INTO organization VALUES (1, 'First Organization', '{}');

  CREATE TABLE organization_secret (
    name ${TEXT} PRIMARY KEY,
    value bytea NOT NULL
  );

  CREATE TABLE site (
    id ${TEXT} PRIMARY KEY,
    name ${TEXT} NOT NULL
  );
  CREATE UNIQUE INDEX site_by_name ON site (lower(name));

  CREATE TABLE server (
    id ${TEXT} PRIMARY KEY,
    name ${TEXT} NOT NULL,
    fqdn ${TEXT} NOT NULL,
    site ${TEXT} NOT NULL REFERENCES site (id),
    front_end integer NOT NULL,
    back_end integer NOT NULL
  );
  CREATE UNIQUE INDEX server_by_name ON server (lower(name));
  CREATE UNIQUE INDEX server_by_fqdn ON server (lower(fqdn));

  CREATE TABLE mailbox_database (
    id ${TEXT} PRIMARY KEY,
    name ${TEXT} NOT NULL,
    server ${TEXT} NOT NULL REFERENCES server (id),
    engine ${TEXT} NOT NULL,
    location text NOT NULL,
    settings json NOT NULL DEFAULT '{}'
  );
  CREATE UNIQUE INDEX mailbox_database_by_name ON mailbox_database (lower(name));

  CREATE TABLE domain (
    key ${TEXT} PRIMARY KEY,
    name ${TEXT} NOT NULL,
    type ${TEXT} NOT NULL,
    is_default integer NOT NULL
  );

  CREATE TABLE account (
    id ${TEXT} PRIMARY KEY,
    kind ${TEXT} NOT NULL,
    enabled integer NOT NULL,
    display_name text NOT NULL,
    alias ${TEXT} NOT NULL UNIQUE,
    upn ${TEXT} NOT NULL,
    upn_key ${TEXT} NOT NULL UNIQUE,
    mailbox ${TEXT} UNIQUE,
    database ${TEXT} REFERENCES mailbox_database (id),
    CHECK ((mailbox IS NULL) = (database IS NULL))
  );
  CREATE INDEX account_by_database ON account (database);

  -- position 0 is the primary address
  CREATE TABLE address (
    key ${TEXT} PRIMARY KEY,
    address ${TEXT} NOT NULL,
    account ${TEXT} NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    position integer NOT NULL
  );
  CREATE UNIQUE INDEX address_by_account ON address (account, position);

  CREATE TABLE credentials (
    account ${TEXT} PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    argon2id text NOT NULL,
    scram_sha256_iterations integer NOT NULL,
    scram_sha256_salt bytea NOT NULL,
    scram_sha256_stored_key bytea NOT NULL,
    scram_sha256_server_key bytea NOT NULL
  );

  CREATE TABLE client_access (
    account ${TEXT} PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    settings json NOT NULL
  );

  CREATE TABLE mailbox_settings (
    account ${TEXT} PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    settings json NOT NULL
  );

  CREATE TABLE disconnected_mailbox (
    id ${TEXT} PRIMARY KEY,
    database ${TEXT} NOT NULL REFERENCES mailbox_database (id),
    alias ${TEXT} NOT NULL,
    display_name text NOT NULL,
    addresses json NOT NULL,
    at bigint NOT NULL
  );

  CREATE TABLE throttling_policy (
    name ${TEXT} PRIMARY KEY,
    scope ${TEXT} NOT NULL,
    limits json NOT NULL
  );
  CREATE UNIQUE INDEX throttling_policy_by_name ON throttling_policy (lower(name));
  CREATE UNIQUE INDEX throttling_policy_of_organization ON throttling_policy (scope) WHERE scope = 'Organization';

  -- rights: JSON list, never empty
  CREATE TABLE permission (
    mailbox ${TEXT} NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    "user" ${TEXT} NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    rights json NOT NULL,
    PRIMARY KEY (mailbox, "user")
  );
  CREATE INDEX permission_by_user ON permission ("user");

  CREATE TABLE role_member (
    role_group ${TEXT} NOT NULL,
    account ${TEXT} NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    PRIMARY KEY (role_group, account)
  );
  CREATE INDEX role_member_by_account ON role_member (account);

  CREATE TABLE protocol_settings (
    server ${TEXT} NOT NULL REFERENCES server (id) ON DELETE CASCADE,
    protocol ${TEXT} NOT NULL,
    settings json NOT NULL,
    PRIMARY KEY (server, protocol)
  );

  CREATE TABLE connector (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id ${TEXT} NOT NULL UNIQUE,
    server ${TEXT} NOT NULL REFERENCES server (id) ON DELETE CASCADE,
    name ${TEXT} NOT NULL,
    settings json NOT NULL
  );
  CREATE UNIQUE INDEX connector_by_name ON connector (server, lower(name));

  CREATE TABLE service (
    server ${TEXT} NOT NULL REFERENCES server (id) ON DELETE CASCADE,
    service ${TEXT} NOT NULL,
    startup_type ${TEXT} NOT NULL,
    running integer NOT NULL,
    PRIMARY KEY (server, service)
  );

  CREATE TABLE component_request (
    server ${TEXT} NOT NULL REFERENCES server (id) ON DELETE CASCADE,
    component ${TEXT} NOT NULL,
    requester ${TEXT} NOT NULL,
    state ${TEXT} NOT NULL,
    at bigint NOT NULL,
    PRIMARY KEY (server, component, requester)
  );

  -- what changed, for the other servers
  CREATE TABLE change (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind ${TEXT} NOT NULL,
    id ${TEXT}
  );

  -- Only ever added to and purged from the old end, so that no index but the key is worth its writes.
  CREATE TABLE audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at bigint NOT NULL,
    "user" ${TEXT} NOT NULL,
    via ${TEXT} NOT NULL,
    command ${TEXT} NOT NULL,
    action ${TEXT} NOT NULL,
    object_kind ${TEXT} NOT NULL,
    object ${TEXT} NOT NULL,
    before_values json,
    after_values json
  );
  `,
  // Issue 4: where other servers dial a server; empty: its host name.
  `ALTER TABLE server ADD COLUMN internal_address text NOT NULL DEFAULT ''`,
  // Moves of mailboxes between databases. progress: JSON.
  `
  CREATE TABLE move_request (
    id ${TEXT} PRIMARY KEY,
    account ${TEXT} NOT NULL UNIQUE REFERENCES account (id) ON DELETE CASCADE,
    mailbox ${TEXT} NOT NULL,
    source ${TEXT} NOT NULL,
    target ${TEXT} NOT NULL,
    status ${TEXT} NOT NULL,
    batch_name ${TEXT} NOT NULL,
    suspend_when_ready integer NOT NULL,
    requested_by ${TEXT} NOT NULL,
    created_at bigint NOT NULL,
    progress ${TEXT} NOT NULL,
    owner ${TEXT},
    claimed_until bigint NOT NULL,
    fence bigint NOT NULL,
    -- number of the cut-over that may be completed now; 0: none
    cut_over bigint NOT NULL,
    cut_overs bigint NOT NULL
  );
  `,
  // Issue 5: who is signed in to the web app, app passwords, who was here last by which protocol, preferences.
  `
  -- tokens: SHA-256
  CREATE TABLE web_session (
    id ${TEXT} PRIMARY KEY,
    account ${TEXT} NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    token bytea NOT NULL,
    token_at bigint NOT NULL,
    created_at bigint NOT NULL,
    last_used_at bigint NOT NULL,
    user_agent ${TEXT} NOT NULL,
    client_address ${TEXT} NOT NULL,
    remembered integer NOT NULL,
    offered bytea,
    offered_at bigint NOT NULL,
    former bytea,
    former_until bigint NOT NULL
  );
  CREATE INDEX web_session_by_account ON web_session (account);
  CREATE INDEX web_session_by_last_use ON web_session (last_used_at);
  CREATE INDEX web_session_by_age ON web_session (created_at);

  -- protocols: JSON list
  CREATE TABLE app_password (
    id ${TEXT} PRIMARY KEY,
    account ${TEXT} NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    name ${TEXT} NOT NULL,
    protocols ${TEXT} NOT NULL,
    selector ${TEXT} NOT NULL,
    created_at bigint NOT NULL,
    last_used_at bigint,
    argon2id ${TEXT} NOT NULL,
    scram_sha256_iterations integer NOT NULL,
    scram_sha256_salt bytea NOT NULL,
    scram_sha256_stored_key bytea NOT NULL,
    scram_sha256_server_key bytea NOT NULL,
    UNIQUE (account, selector)
  );

  CREATE TABLE last_use (
    account ${TEXT} NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    protocol ${TEXT} NOT NULL,
    at bigint NOT NULL,
    client_address ${TEXT} NOT NULL,
    program ${TEXT} NOT NULL,
    PRIMARY KEY (account, protocol)
  );

  CREATE TABLE preferences (
    account ${TEXT} PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    settings ${TEXT} NOT NULL
  );
  `,
];

export const SCHEMA_VERSION = STEPS.length;

/**
 * Brings the tables to this version, all steps in one transaction; servers that start at once do it one after the
 * other, so that the second finds it done.
 * @throws Failure UNAVAILABLE when they are of a newer version or the database cannot hold them
 */
export async function migrate(connection: Connection, place: string): Promise<void> {
  await connection.command(
    `BEGIN; SET LOCAL lock_timeout = ${STEP_MS}; SET LOCAL statement_timeout = ${STEP_MS}`,
    STEP_MS,
  );
  try {
    await connection.command(`SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`, STEP_MS);
    const encoding = (await connection.command('SHOW server_encoding', STEP_MS)).rows[0]?.['server_encoding'];
    if (encoding !== 'UTF8')
      throw new Failure(
        'UNAVAILABLE',
        `the database ${place} has the encoding ${String(encoding)}; make one with UTF8`,
      );
    // Asked first: CREATE SCHEMA IF NOT EXISTS wants the right to make one even when it is there.
    const exists = await connection.query('SELECT 1 FROM pg_namespace WHERE nspname = ?', [SCHEMA], STEP_MS);
    if (exists.rows.length === 0) await connection.command(`CREATE SCHEMA ${SCHEMA}`, STEP_MS);
    await connection.command(
      'CREATE TABLE IF NOT EXISTS schema_version (one integer PRIMARY KEY CHECK (one = 1), version integer NOT NULL)',
      STEP_MS,
    );
    const [row] = (await connection.command('SELECT version FROM schema_version', STEP_MS)).rows;
    const version = row === undefined ? 0 : numberOf(row, 'version');
    if (version > SCHEMA_VERSION)
      throw new Failure(
        'UNAVAILABLE',
        `the directory in ${place} was written by a newer Penfold (schema ${version}, this one knows up to ${SCHEMA_VERSION}): start that version, or restore the backup made before the upgrade`,
      );
    for (const step of STEPS.slice(version)) await connection.command(step, STEP_MS);
    if (version < SCHEMA_VERSION)
      await connection.command(
        `INSERT INTO schema_version VALUES (1, ${SCHEMA_VERSION}) ON CONFLICT (one) DO UPDATE SET version = excluded.version`,
        STEP_MS,
      );
    await connection.command('COMMIT', STEP_MS);
  } catch (error) {
    if (connection.isUsable) await connection.command('ROLLBACK', STEP_MS);
    throw error;
  }
}
