/**
 * The directory's tables, as numbered steps forward. A released step never changes; a new one is added behind it.
 * Credentials are only ever verifiers. Settings are JSON of what differs from the defaults in settings/.
 */
import type { DatabaseSync } from 'node:sqlite';
import { Failure } from '../../../observe/failure.ts';

/** "PFDR" in the file header tells a directory from any other SQLite file. */
const APPLICATION_ID = 0x50464452;

const STEPS: readonly string[] = [
  `
  CREATE TABLE organization (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    name TEXT NOT NULL,
    max_receive_size INTEGER,
    max_send_size INTEGER
  ) STRICT;
  INSERT INTO organization VALUES (1, 'First Organization', 10485760, 10485760);

  CREATE TABLE site (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL COLLATE NOCASE UNIQUE
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE server (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL COLLATE NOCASE UNIQUE,
    fqdn TEXT NOT NULL COLLATE NOCASE UNIQUE,
    site TEXT NOT NULL REFERENCES site (id),
    front_end INTEGER NOT NULL,
    back_end INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE mailbox_database (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL COLLATE NOCASE UNIQUE,
    server TEXT NOT NULL REFERENCES server (id),
    engine TEXT NOT NULL,
    location TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE domain (
    key TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    is_default INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE account (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    display_name TEXT NOT NULL,
    alias TEXT NOT NULL UNIQUE,
    upn TEXT NOT NULL,
    upn_key TEXT NOT NULL UNIQUE,
    mailbox TEXT UNIQUE,
    database TEXT REFERENCES mailbox_database (id),
    CHECK ((mailbox IS NULL) = (database IS NULL))
  ) STRICT, WITHOUT ROWID;

  -- position 0 is the primary address
  CREATE TABLE address (
    key TEXT PRIMARY KEY,
    address TEXT NOT NULL,
    account TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    position INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX address_by_account ON address (account, position);

  CREATE TABLE credentials (
    account TEXT PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    argon2id TEXT NOT NULL,
    scram_sha256_iterations INTEGER NOT NULL,
    scram_sha256_salt BLOB NOT NULL,
    scram_sha256_stored_key BLOB NOT NULL,
    scram_sha256_server_key BLOB NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE client_access (
    account TEXT PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    settings TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE protocol_settings (
    server TEXT NOT NULL REFERENCES server (id) ON DELETE CASCADE,
    protocol TEXT NOT NULL,
    settings TEXT NOT NULL,
    PRIMARY KEY (server, protocol)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE connector (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    server TEXT NOT NULL REFERENCES server (id) ON DELETE CASCADE,
    name TEXT NOT NULL COLLATE NOCASE,
    settings TEXT NOT NULL,
    UNIQUE (server, name)
  ) STRICT;

  CREATE TABLE service (
    server TEXT NOT NULL REFERENCES server (id) ON DELETE CASCADE,
    service TEXT NOT NULL,
    startup_type TEXT NOT NULL,
    running INTEGER NOT NULL,
    PRIMARY KEY (server, service)
  ) STRICT, WITHOUT ROWID;

  -- what changed, for the other processes that have this file open
  CREATE TABLE change (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    id TEXT
  ) STRICT;
  `,
  // Issue 3: quotas, throttling, rights, components, audit. The organization's sizes move into its settings.
  `
  ALTER TABLE organization ADD COLUMN transport_config TEXT NOT NULL DEFAULT '{}';
  UPDATE organization SET transport_config = json_object(
    'maxReceiveSize', coalesce(max_receive_size, 'unlimited'),
    'maxSendSize', coalesce(max_send_size, 'unlimited')
  );
  ALTER TABLE organization DROP COLUMN max_receive_size;
  ALTER TABLE organization DROP COLUMN max_send_size;

  ALTER TABLE mailbox_database ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';

  CREATE TABLE mailbox_settings (
    account TEXT PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    settings TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE throttling_policy (
    name TEXT PRIMARY KEY COLLATE NOCASE,
    scope TEXT NOT NULL,
    limits TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX throttling_policy_of_organization ON throttling_policy (scope) WHERE scope = 'Organization';

  -- rights: JSON list, never empty
  CREATE TABLE permission (
    mailbox TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    user TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    rights TEXT NOT NULL,
    PRIMARY KEY (mailbox, user)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX permission_by_user ON permission (user);

  CREATE TABLE role_member (
    role_group TEXT NOT NULL,
    account TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    PRIMARY KEY (role_group, account)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX role_member_by_account ON role_member (account);

  CREATE TABLE component_request (
    server TEXT NOT NULL REFERENCES server (id) ON DELETE CASCADE,
    component TEXT NOT NULL,
    requester TEXT NOT NULL,
    state TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (server, component, requester)
  ) STRICT, WITHOUT ROWID;

  -- Only ever added to and purged from the old end, so that no index but the key is worth its writes.
  CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    user TEXT NOT NULL,
    via TEXT NOT NULL,
    command TEXT NOT NULL,
    action TEXT NOT NULL,
    object_kind TEXT NOT NULL,
    object TEXT NOT NULL,
    before_values TEXT,
    after_values TEXT
  ) STRICT;
  `,
  // Issue 3: mailboxes without an account, until their retention ends. addresses: JSON list.
  `
  CREATE TABLE disconnected_mailbox (
    id TEXT PRIMARY KEY,
    database TEXT NOT NULL REFERENCES mailbox_database (id),
    alias TEXT NOT NULL,
    display_name TEXT NOT NULL,
    addresses TEXT NOT NULL,
    at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  // Issue 4: what the servers of an organization share, sealed.
  `
  CREATE TABLE organization_secret (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  // Issue 4: where other servers dial a server; empty: its host name.
  `ALTER TABLE server ADD COLUMN internal_address TEXT NOT NULL DEFAULT ''`,
  // Issue 4: moves of mailboxes between databases. progress: JSON.
  `
  CREATE TABLE move_request (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL UNIQUE REFERENCES account (id) ON DELETE CASCADE,
    mailbox TEXT NOT NULL,
    source TEXT NOT NULL,
    target TEXT NOT NULL,
    status TEXT NOT NULL,
    batch_name TEXT NOT NULL,
    suspend_when_ready INTEGER NOT NULL,
    requested_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    progress TEXT NOT NULL,
    owner TEXT,
    claimed_until INTEGER NOT NULL,
    fence INTEGER NOT NULL,
    -- number of the cut-over that may be completed now; 0: none
    cut_over INTEGER NOT NULL,
    cut_overs INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  // Issue 5: who is signed in to the web app, app passwords, who was here last by which protocol, preferences.
  `
  -- tokens: SHA-256
  CREATE TABLE web_session (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    token BLOB NOT NULL,
    token_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    user_agent TEXT NOT NULL,
    client_address TEXT NOT NULL,
    remembered INTEGER NOT NULL,
    offered BLOB,
    offered_at INTEGER NOT NULL,
    former BLOB,
    former_until INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX web_session_by_account ON web_session (account);
  CREATE INDEX web_session_by_last_use ON web_session (last_used_at);
  CREATE INDEX web_session_by_age ON web_session (created_at);

  -- protocols: JSON list
  CREATE TABLE app_password (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    protocols TEXT NOT NULL,
    selector TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER,
    argon2id TEXT NOT NULL,
    scram_sha256_iterations INTEGER NOT NULL,
    scram_sha256_salt BLOB NOT NULL,
    scram_sha256_stored_key BLOB NOT NULL,
    scram_sha256_server_key BLOB NOT NULL,
    UNIQUE (account, selector)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE last_use (
    account TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    protocol TEXT NOT NULL,
    at INTEGER NOT NULL,
    client_address TEXT NOT NULL,
    program TEXT NOT NULL,
    PRIMARY KEY (account, protocol)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE preferences (
    account TEXT PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    settings TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
];

export const SCHEMA_VERSION = STEPS.length;

/**
 * Brings the file to this version's schema, all steps in one transaction.
 * @throws Failure UNAVAILABLE when the file is newer than this program or is something else
 */
export function migrate(db: DatabaseSync, file: string): void {
  db.exec('BEGIN IMMEDIATE');
  try {
    const version = pragmaNumber(db, 'user_version');
    const application = pragmaNumber(db, 'application_id');
    const isEmpty = db.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined;
    if (!isEmpty && application !== APPLICATION_ID)
      throw new Failure('UNAVAILABLE', `${file} is an SQLite file, but no Penfold directory`);
    if (version > SCHEMA_VERSION)
      throw new Failure(
        'UNAVAILABLE',
        `${file} was written by a newer Penfold (directory schema ${version}, this one knows up to ${SCHEMA_VERSION}): start that version, or restore the backup made before the upgrade`,
      );
    for (const step of STEPS.slice(version)) db.exec(step);
    if (version < SCHEMA_VERSION)
      db.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}`);
    db.exec('COMMIT');
  } catch (error) {
    db.exec('ROLLBACK');
    throw error;
  }
}

export function pragmaNumber(db: DatabaseSync, name: 'user_version' | 'application_id' | 'data_version'): number {
  const value = db.prepare(`PRAGMA ${name}`).get()?.[name];
  if (typeof value !== 'number') throw new Error(`PRAGMA ${name} gave no number`);
  return value;
}
