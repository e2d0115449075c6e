/**
 * Every bound a client's bytes meet, in one place. Each has a test in test/attack or beside its parser.
 * A limit an admin can set (MaxCommandSize, MaxMessageSize …) lives in the directory; what stands here is the
 * hard ceiling of the implementation.
 */

/** Bytes a connection buffers of what the client sent ahead before the socket is paused. */
export const READ_AHEAD_BYTES = 256 * 1024;
/** Bytes of unsent output above which a session waits for the client to read. */
export const WRITE_BACKLOG_BYTES = 1024 * 1024;
/** Size of one output buffer: fewer, larger writes (dependencies.md §6). */
export const OUTPUT_BUFFER_BYTES = 256 * 1024;

/**
 * PROXY protocol: bytes of a whole header. Version 2 could announce 64 KB; addresses and what balancers add (ALPN, a
 * server name, the names of a client certificate) take some hundred.
 */
export const PROXY_HEADER_BYTES = 4096;
/** PROXY protocol: extensions (type-length-values) of one header. */
export const PROXY_TLVS = 64;
/** PROXY protocol: connections of load balancers whose header is awaited, on the bindings of one service. */
export const PROXY_HEADERS_AWAITED = 2000;

/** IMAP: a literal that is an argument (folder name, search string), not a message. */
export const IMAP_ARGUMENT_LITERAL_BYTES = 64 * 1024;
/** IMAP: sum of argument literals in one command. */
export const IMAP_COMMAND_LITERALS_BYTES = 256 * 1024;
/** IMAP: literals in one command (CVE class: millions of empty literals). */
export const IMAP_COMMAND_LITERALS = 64;
/** IMAP: a literal sent before logon (RFC 9051 §11: refuse to buffer for strangers). */
export const IMAP_LITERAL_BEFORE_LOGON_BYTES = 4 * 1024;
/** IMAP: a refused non-synchronizing literal up to this size is read and thrown away, a larger one ends the session. */
export const IMAP_SKIPPED_LITERAL_BYTES = 1024 * 1024;
/** IMAP: the same for the message of a refused APPEND (over quota, too large, no such folder). */
export const IMAP_SKIPPED_MESSAGE_BYTES = 256 * 1024 * 1024;
/** IMAP: bytes of an AUTHENTICATE line, which may be longer than MaxCommandSize (RFC 9051 §6.2.2, tokens). */
export const IMAP_AUTH_LINE_BYTES = 12 * 1024;
/** IMAP: depth of parentheses in a command. */
export const IMAP_LIST_DEPTH = 32;
/** IMAP: numbers and ranges in one sequence set. */
export const IMAP_SET_RANGES = 32 * 1024;
/** IMAP: keys in one SEARCH, nested ones included. */
export const IMAP_SEARCH_KEYS = 512;
/** IMAP: BAD answers before the session is ended. */
export const IMAP_BAD_COMMANDS = 10;
/** IMAP and POP3: failed logons on one connection before it is ended. */
export const LOGON_FAILURES = 5;
/** IMAP: bytes of a folder name in UTF-8. */
export const FOLDER_NAME_BYTES = 1000;
/** Levels of the folder hierarchy. */
export const FOLDER_DEPTH = 50;
/** Folders in one mailbox. */
export const FOLDERS_PER_MAILBOX = 10_000;
/** Distinct keywords in one folder (two 32-bit words of bits in the index). */
export const KEYWORDS_PER_FOLDER = 64;
/** Bytes of one keyword. */
export const KEYWORD_BYTES = 128;

/** POP3: bytes of a command line with CRLF; RFC 2449 §4 asks 255, SASL needs more. */
export const POP3_AUTH_LINE_BYTES = 12 * 1024;
/** POP3: -ERR answers to bad commands before the session is ended. */
export const POP3_BAD_COMMANDS = 20;
/** POP3: octets of messages fetched from the store ahead of the client's RETR; a session holds at most twice this. */
export const POP3_READ_AHEAD_BYTES = 256 * 1024;
/** SMTP: bytes of a command line with CRLF; RFC 5321 §4.5.3.1.4 asks 512, extensions raise it (§4.5.3.1.10). */
export const SMTP_COMMAND_LINE_BYTES = 4096;
/** SMTP: bytes of an AUTH line (RFC 4954 §4). */
export const SMTP_AUTH_LINE_BYTES = 12_288;
/** SMTP client: bytes of one reply line; RFC 5321 §4.5.3.1.5 asks 512, some servers write longer ones. */
export const SMTP_REPLY_LINE_BYTES = 2048;
/** SMTP client: lines of one reply; EHLO answers of today have about twenty. */
export const SMTP_REPLY_LINES = 100;
/** SMTP: attributes of one XCLIENT or XFORWARD command. */
export const SMTP_ATTRIBUTES = 16;
/** LMTP between servers: octets of header fields that the other server has put in front of a message. */
export const LMTP_PREFIX_BYTES = 64 * 1024;
/** SMTP: octets of a forward or reverse path (RFC 5321 §4.5.3.1.3) with room for UTF-8 (RFC 6531 §3.3). */
export const SMTP_PATH_BYTES = 1024;
/** SMTP: octets of a local part (RFC 5321 §4.5.3.1.1), doubled for long sender tags (VERP, SRS) seen in practice. */
export const SMTP_LOCAL_PART_BYTES = 128;
/** SMTP: octets of a domain (RFC 5321 §4.5.3.1.2). */
export const SMTP_DOMAIN_BYTES = 255;
/** SMTP: parameters of one MAIL or RCPT command. */
export const SMTP_PARAMETERS = 16;
/** SMTP: octets one BDAT command may announce (RFC 3030 §2 sets none). */
export const SMTP_CHUNK_BYTES = 1024 * 1024 * 1024;
/** SMTP: recipients refused in one session before it is ended (address harvesting). */
export const SMTP_REFUSED_RECIPIENTS = 100;
/** SMTP: octets beyond the size limit that are read and thrown away before the connection is cut. */
export const SMTP_DISCARD_BYTES = 64 * 1024 * 1024;
/** Delivery: messages being appended to one mailbox at a time (MaxConcurrentMailboxDeliveries, exchange-behaviour.md §9.3). */
export const DELIVERIES_PER_MAILBOX = 20;
/** Delivery: recipients of one message appended to at a time. */
export const DELIVERIES_PER_MESSAGE = 32;
/** Delivery: partly delivered messages remembered so that a retry reaches only who is missing. */
export const PARTIAL_DELIVERIES = 10_000;

/** Message: a message larger than this is refused everywhere. */
export const MESSAGE_BYTES = 1024 * 1024 * 1024;
/** Message: bytes of header fields parsed of one entity; the rest is kept as bytes but not read. */
export const HEADER_BYTES = 1024 * 1024;
/** Message: header fields parsed of one entity. */
export const HEADER_FIELDS = 2000;
/** Message: MIME parts described by BODYSTRUCTURE; parts above it stay inside their parent's bytes. */
export const MIME_PARTS = 2000;
/**
 * Message: depth of nested multiparts and message/rfc822. Client libraries bound the parentheses of a FETCH answer
 * (imapflow at 100) and drop the whole row above it; each level costs one, an address or a disposition three more.
 */
export const MIME_DEPTH = 64;
/** Message: addresses put into one ENVELOPE field. */
export const ENVELOPE_ADDRESSES = 2000;
/** Message: parameters of one structured MIME field. */
export const MIME_PARAMETERS = 200;
/** Logon: UTF-8 bytes of a user name or authorization identity. */
export const LOGON_NAME_BYTES = 1024;
/** Logon: UTF-8 bytes of a password; argon2id reads all of them. */
export const PASSWORD_BYTES = 1024;
/** Logon: bytes of one decoded SASL response (RFC 4422 leaves it open). */
export const SASL_RESPONSE_BYTES = 8 * 1024;
/** Message: octets of a multipart boundary; RFC 2046 §5.1.1 allows 70. A longer one is no boundary. */
export const MIME_BOUNDARY_BYTES = 998;

/** Rendering: a message above this is served as it came, whatever format a mailbox asks for. */
export const RENDERED_MESSAGE_BYTES = 32 * 1024 * 1024;
/** Rendering: encoded octets of all body texts of a message that are converted; with more it is served as it came. */
export const RENDERED_TEXT_BYTES = 256 * 1024;
/** Admin API and control socket: bytes of one request. */
export const ADMIN_REQUEST_BYTES = 1024 * 1024;
/** Admin API: calls being worked on at a time, of all clients. */
export const ADMIN_CALLS_AT_ONCE = 64;
/** Of those, of one account: who reads slowly must not hold up the others. */
export const ADMIN_CALLS_OF_ONE = 8;
/** Web: bytes of a request's head. */
export const WEB_HEADER_BYTES = 16 * 1024;
/** Web: connections at a time, of all clients. */
export const WEB_CONNECTIONS = 2000;
/** Web: connections at a time, of one client address. */
export const WEB_CONNECTIONS_PER_ADDRESS = 200;
/** The plain HTTP port, which only sends to HTTPS: connections at a time, of all clients and of one address; a request's head. */
export const REDIRECT_CONNECTIONS = 200;
export const REDIRECT_CONNECTIONS_PER_ADDRESS = 20;
export const REDIRECT_HEADER_BYTES = 8 * 1024;
/** Rendering: a message above this does not become winmail.dat: its attachments would all be encoded anew. */
export const RENDERED_TNEF_BYTES = 4 * 1024 * 1024;
/** Rendering: times its original that a message may grow, and octets on top of it; else it is served as it came. */
export const RENDERED_GROWTH = 10;
export const RENDERED_GROWTH_BYTES = 64 * 1024;
/** Rendering: octets of rendered messages and their parse results kept for partial fetches, of all mailboxes together. */
export const RENDERED_CACHE_BYTES = 32 * 1024 * 1024;
/** Rendering: sizes of rendered messages remembered, of all mailboxes together; those of open mailboxes always are. */
export const RENDERED_SIZES = 1_000_000;
