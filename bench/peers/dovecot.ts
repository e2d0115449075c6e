/**
 * Dovecot from Debian's packages as a peer: its own configuration, ports and mail directory below a directory of
 * this run, so that nothing of the machine's own set-up is used. `tuned`: mdbox, shared login processes, reused imap
 * processes, authentication cache, optional hibernation; `default`: what the package does when only the locations
 * are set.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { freePort, listening } from '../ports.ts';
import type { Peer, PeerUser } from './peer.ts';

export interface DovecotOptions {
  readonly directory: string;
  readonly flavour: 'tuned' | 'default';
  readonly users: readonly PeerUser[];
  /** Seconds of IDLE after which a connection is handed to imap-hibernate; 0 switches it off. */
  readonly hibernateAfter?: number;
}

export function dovecotInstalled(): boolean {
  return existsSync('/usr/sbin/dovecot');
}

/**
 * The kernel allows one system user 128 inotify instances (fs.inotify.max_user_instances). Dovecot needs one for every
 * IDLE, and a session without one is never hibernated; so where it is to hibernate, each mailbox has a user of its own.
 */
const FIRST_UID = 40_000;
/** Debian's user and group `mail`. */
const MAIL = 8;

const TUNED = `
service imap-login {
  service_count = 0
  process_min_avail = 2
  client_limit = 4000
  vsz_limit = 1G
}
service pop3-login {
  service_count = 0
  process_min_avail = 1
  client_limit = 4000
}
service imap {
  service_count = 1000
  process_min_avail = 4
  process_limit = 4000
  client_limit = 1
}
service pop3 {
  service_count = 1000
  process_limit = 1000
}
service auth {
  client_limit = 20000
}
auth_cache_size = 16M
auth_cache_ttl = 1 hour
mdbox_rotate_size = 64M
`;

/** A process that has handed its session over ends: with users of their own it could not serve another one. */
const hibernation = (seconds: number): string => `
imap_hibernate_timeout = ${seconds}s
service imap {
  service_count = 1
  unix_listener imap-master {
    user = dovecot
  }
  extra_groups = dovecot
}
service imap-hibernate {
  client_limit = 20000
  unix_listener imap-hibernate {
    mode = 0666
  }
}
`;

export async function startDovecot(options: DovecotOptions): Promise<Peer> {
  const { directory } = options;
  const mail = path.join(directory, 'mail');
  for (const folder of [directory, path.join(directory, 'run'), mail]) mkdirSync(folder, { recursive: true });
  chmodSync(directory, 0o755);
  chownSync(mail, MAIL, MAIL);
  const key = path.join(directory, 'key.pem');
  const certificate = path.join(directory, 'cert.pem');
  if (!existsSync(certificate)) {
    const made = spawnSync('openssl', [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '30',
      '-subj',
      '/CN=localhost',
      '-addext',
      'subjectAltName=DNS:localhost,IP:127.0.0.1',
      '-keyout',
      key,
      '-out',
      certificate,
    ]); // prettier-ignore
    if (made.status !== 0) throw new Error(`openssl: ${made.stderr.toString()}`);
  }
  const passwd = path.join(directory, 'passwd');
  const hibernate = options.hibernateAfter ?? 0;
  // Auth caching makes the scheme matter on the first logon only, as ours does.
  writeFileSync(
    passwd,
    options.users
      .map((user, i) => {
        const uid = hibernate > 0 ? FIRST_UID + i : MAIL;
        const home = path.join(mail, user.name);
        mkdirSync(home, { recursive: true });
        chownSync(home, uid, MAIL);
        return `${user.name}:{SHA256-CRYPT}${sha256Crypt(user.password)}:${uid}:${MAIL}::${home}::`;
      })
      .join('\n'),
  );
  chmodSync(passwd, 0o644);
  const ports = { imap: await freePort(), imaps: await freePort(), pop3: await freePort(), pop3s: await freePort() };
  const lmtp = path.join(directory, 'run', 'lmtp-in');
  const config = path.join(directory, 'dovecot.conf');
  writeFileSync(
    config,
    `base_dir = ${directory}/run
state_dir = ${directory}/run
instance_name = bench-${path.basename(directory)}
log_path = ${directory}/log
protocols = imap pop3 lmtp
listen = 127.0.0.1
ssl = yes
ssl_cert = <${certificate}
ssl_key = <${key}
disable_plaintext_auth = no
mail_location = ${options.flavour === 'tuned' ? 'mdbox' : 'maildir'}:${mail}/%n
first_valid_uid = 1
first_valid_gid = 1
mail_max_userip_connections = 100000
default_client_limit = 20000
default_process_limit = 4000
default_vsz_limit = 1G
${options.flavour === 'tuned' ? TUNED : ''}
${hibernate > 0 ? hibernation(hibernate) : ''}
service imap-login {
  inet_listener imap {
    port = ${ports.imap}
  }
  inet_listener imaps {
    port = ${ports.imaps}
    ssl = yes
  }
}
service pop3-login {
  inet_listener pop3 {
    port = ${ports.pop3}
  }
  inet_listener pop3s {
    port = ${ports.pop3s}
    ssl = yes
  }
}
service lmtp {
  unix_listener ${lmtp} {
    mode = 0666
  }
}
namespace inbox {
  inbox = yes
  separator = /
}
passdb {
  driver = passwd-file
  args = username_format=%n ${passwd}
}
userdb {
  driver = passwd-file
  args = username_format=%n ${passwd}
}
`,
  );
  let child: ChildProcess;
  const start = async (): Promise<void> => {
    child = spawn('/usr/sbin/dovecot', ['-F', '-c', config], { stdio: 'ignore' });
    for (const port of Object.values(ports)) await listening(port);
  };
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await gone;
  };
  await start();
  const target = (port: number, secure: boolean) => ({ host: '127.0.0.1', port, secure });
  return {
    name: hibernate > 0 ? 'Dovecot hibernating' : options.flavour === 'tuned' ? 'Dovecot tuned' : 'Dovecot defaults',
    imap: target(ports.imap, false),
    imaps: target(ports.imaps, true),
    pop3: target(ports.pop3, false),
    pop3s: target(ports.pop3s, true),
    smtp: null,
    lmtpSocket: lmtp,
    rootPid: () => child.pid ?? 0,
    users: options.users,
    forget: async () => {
      await stop();
      // What Dovecot learnt by earlier FETCHes; its index stays.
      for (const entry of readdirSync(mail, { recursive: true, encoding: 'utf8' })) {
        if (path.basename(entry) === 'dovecot.index.cache') rmSync(path.join(mail, entry));
      }
      await start();
    },
    stop,
  };
}

function sha256Crypt(password: string): string {
  const made = spawnSync('openssl', ['passwd', '-5', '-salt', 'benchbenchbench1', password]);
  if (made.status !== 0) throw new Error(`openssl passwd: ${made.stderr.toString()}`);
  return made.stdout.toString().trim();
}
