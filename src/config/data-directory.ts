/**
 * What lies where below the data directory of one server. Pure paths; whoever writes a file makes its folder.
 *
 * ```
 * penfold.toml          configuration of this server
 * organization.key      opens the secrets that the servers of the organization share (0600)
 * demo.json             demo mailboxes and their passwords, `penfold start` only (0600)
 * directory/            the directory of an organization of one server (SQLite)
 * databases/NAME/       one mailbox database: mailboxes, and the spool for messages on their way in
 * tls/                  the organization's certificate authority, server certificates
 * logs/                 penfold.log, protocol logs
 * run/                  control socket and lock of the running instance
 * transfer/             journals that let an interrupted import go on
 * uploads/              what web clients have uploaded and no message holds yet
 * held/                 mail that was accepted by JMAP and goes out later
 * ```
 */
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** `sun_path` of a Unix socket takes 107 bytes and a NUL. */
const SOCKET_PATH_BYTES = 107;

export interface DataLayout {
  readonly root: string;
  readonly configuration: string;
  readonly organizationKey: string;
  readonly demo: string;
  readonly directory: string;
  readonly databases: string;
  readonly tls: string;
  readonly logs: string;
  readonly run: string;
  readonly lock: string;
  readonly transfer: string;
  readonly uploads: string;
  readonly held: string;
}

export function dataLayout(directory: string): DataLayout {
  const root = path.resolve(directory);
  const at = (...parts: string[]): string => path.join(root, ...parts);
  return {
    root,
    configuration: at('penfold.toml'),
    organizationKey: at('organization.key'),
    demo: at('demo.json'),
    directory: at('directory'),
    databases: at('databases'),
    tls: at('tls'),
    logs: at('logs'),
    run: at('run'),
    lock: at('run', 'lock.db'),
    transfer: at('transfer'),
    uploads: at('uploads'),
    held: at('held'),
  };
}

/**
 * Where the control socket really stands: a data directory too deep for a socket's name gets one in a folder of this
 * user below the system's temporary directory instead, under a name both sides can work out.
 */
export function controlSocketPath(layout: DataLayout, configured: string): string {
  const wanted = path.resolve(layout.root, configured);
  if (Buffer.byteLength(wanted) <= SOCKET_PATH_BYTES) return wanted;
  const name = createHash('sha256').update(wanted).digest('hex').slice(0, 16);
  return path.join(tmpdir(), `penfold-${process.getuid?.() ?? 0}`, `${name}.sock`);
}
