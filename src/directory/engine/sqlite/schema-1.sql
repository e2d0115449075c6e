-- A directory as schema 1 left it, dumped table by table: what an upgrade must find again. Never edit.
PRAGMA application_id = 1346782290;
PRAGMA user_version = 1;
CREATE TABLE organization (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    name TEXT NOT NULL,
    max_receive_size INTEGER,
    max_send_size INTEGER
  ) STRICT;
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
CREATE TABLE address (
    key TEXT PRIMARY KEY,
    address TEXT NOT NULL,
    account TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    position INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
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
CREATE TABLE change (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    id TEXT
  ) STRICT;
CREATE UNIQUE INDEX address_by_account ON address (account, position);
INSERT INTO organization VALUES (1, 'Contoso', 20000000, NULL);
INSERT INTO site VALUES ('b6ea7199-8c9a-4e4f-828a-59efdb5da9b5', 'Default-First-Site-Name');
INSERT INTO server VALUES ('9aba0101-3a76-4e03-b0c1-7949808f301d', 'MAIL1', 'mail1.example.org', 'b6ea7199-8c9a-4e4f-828a-59efdb5da9b5', 1, 1);
INSERT INTO mailbox_database VALUES ('2da186cc-070b-4c4c-9049-257e754ef155', 'DB1', '9aba0101-3a76-4e03-b0c1-7949808f301d', 'sqlite', 'databases/db1');
INSERT INTO domain VALUES ('example.net', 'example.net', 'InternalRelay', 0);
INSERT INTO domain VALUES ('example.org', 'example.org', 'Authoritative', 1);
INSERT INTO account VALUES ('01a207bc-6dee-7000-ac1c-974ec9eba51b', 'administrator', 1, 'Administrator', 'administrator', 'administrator@example.org', 'administrator@example.org', '01a207bc-6dee-7001-a46e-ed7b047b0ec5', '2da186cc-070b-4c4c-9049-257e754ef155');
INSERT INTO account VALUES ('01a207bc-6def-7000-8d0d-f3e905639e6a', 'user', 1, 'Ann', 'ann', 'ann@example.org', 'ann@example.org', '01a207bc-6def-7001-9369-3fa7caf7b716', '2da186cc-070b-4c4c-9049-257e754ef155');
INSERT INTO account VALUES ('01a207bc-6df0-7000-9cd1-e309996cb3d1', 'guest', 1, 'Guest', 'guest', 'guest@example.org', 'guest@example.org', NULL, NULL);
INSERT INTO address VALUES ('administrator@example.org', 'administrator@example.org', '01a207bc-6dee-7000-ac1c-974ec9eba51b', 0);
INSERT INTO address VALUES ('ann@example.net', 'ann@example.net', '01a207bc-6def-7000-8d0d-f3e905639e6a', 1);
INSERT INTO address VALUES ('ann@example.org', 'Ann@example.org', '01a207bc-6def-7000-8d0d-f3e905639e6a', 0);
INSERT INTO address VALUES ('postmaster@example.org', 'postmaster@example.org', '01a207bc-6dee-7000-ac1c-974ec9eba51b', 1);
INSERT INTO credentials VALUES ('01a207bc-6dee-7000-ac1c-974ec9eba51b', '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', 4096, x'01010101010101010101010101010101', x'0202020202020202020202020202020202020202020202020202020202020202', x'0303030303030303030303030303030303030303030303030303030303030303');
INSERT INTO credentials VALUES ('01a207bc-6def-7000-8d0d-f3e905639e6a', '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', 4096, x'01010101010101010101010101010101', x'0202020202020202020202020202020202020202020202020202020202020202', x'0303030303030303030303030303030303030303030303030303030303030303');
INSERT INTO client_access VALUES ('01a207bc-6def-7000-8d0d-f3e905639e6a', '{"popEnabled":false}');
INSERT INTO protocol_settings VALUES ('9aba0101-3a76-4e03-b0c1-7949808f301d', 'imap-settings', '{"banner":"Hello.","maxConnectionsPerUser":7}');
INSERT INTO connector VALUES (1, '12625b36-f0b1-4901-baca-5f149344ae47', '9aba0101-3a76-4e03-b0c1-7949808f301d', 'Client Frontend MAIL1', '{"name":"Client Frontend MAIL1","transportRole":"FrontendTransport","enabled":true,"bindings":[{"address":"::","port":587},{"address":"0.0.0.0","port":587}],"implicitTlsBindings":[{"address":"::","port":465},{"address":"0.0.0.0","port":465}],"remoteIpRanges":["0.0.0.0-255.255.255.255","::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],"fqdn":"mail1.example.org","banner":"220 mail1.example.org Penfold ESMTP service is ready","authMechanism":["Tls","BasicAuth","BasicAuthRequireTLS","Integrated"],"permissionGroups":["ExchangeUsers"],"requireTls":false,"advertiseClientSettings":false,"maxMessageSize":37748736,"maxRecipientsPerMessage":200,"messageRateLimit":5,"messageRateSource":"User","connectionTimeout":600,"connectionInactivityTimeout":300,"maxInboundConnection":5000,"maxInboundConnectionPerSource":20,"maxInboundConnectionPercentagePerSource":2,"maxProtocolErrors":5,"maxLogonFailures":3,"tarpitInterval":5,"authTarpitInterval":5,"maxHopCount":30,"maxLocalHopCount":8,"maxHeaderSize":262144,"protocolLoggingLevel":"None","sizeEnabled":"Enabled","chunkingEnabled":true,"binaryMimeEnabled":true,"eightBitMimeEnabled":true,"enhancedStatusCodesEnabled":true,"pipeliningEnabled":true,"comment":""}');
INSERT INTO service VALUES ('9aba0101-3a76-4e03-b0c1-7949808f301d', 'imap4', 'Automatic', 1);
INSERT INTO change VALUES (1, 'organization', NULL);
INSERT INTO change VALUES (2, 'domain', 'example.org');
INSERT INTO change VALUES (3, 'domain', 'example.net');
INSERT INTO change VALUES (4, 'site', 'b6ea7199-8c9a-4e4f-828a-59efdb5da9b5');
INSERT INTO change VALUES (5, 'server', '9aba0101-3a76-4e03-b0c1-7949808f301d');
INSERT INTO change VALUES (6, 'database', '2da186cc-070b-4c4c-9049-257e754ef155');
INSERT INTO change VALUES (7, 'account', '01a207bc-6dee-7000-ac1c-974ec9eba51b');
INSERT INTO change VALUES (8, 'account', '01a207bc-6def-7000-8d0d-f3e905639e6a');
INSERT INTO change VALUES (9, 'account', '01a207bc-6df0-7000-9cd1-e309996cb3d1');
INSERT INTO change VALUES (10, 'account', '01a207bc-6def-7000-8d0d-f3e905639e6a');
INSERT INTO change VALUES (11, 'imap-settings', '9aba0101-3a76-4e03-b0c1-7949808f301d');
INSERT INTO change VALUES (12, 'connector', '12625b36-f0b1-4901-baca-5f149344ae47');
INSERT INTO change VALUES (13, 'service', '9aba0101-3a76-4e03-b0c1-7949808f301d');
