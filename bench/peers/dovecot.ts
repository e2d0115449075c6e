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

export async function startDovecot(options: DovecotOptions): Promise<Peer> {
  const { directory } = options;
  const mail = path.join(directory, 'mail');
  for (const folder of [directory, path.join(directory, 'run'), mail]) mkdirSync(folder, { recursive: true });
  chmodSync(directory, 0o755);
  chownSync(mail, 8, 8);
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
  // Auth caching makes the scheme matter on the first logon only, as ours does.
  writeFileSync(
    passwd,
    options.users.map((user) => `${user.name}:{SHA256-CRYPT}${sha256Crypt(user.password)}::::::`).join('\n'),
  );
  chmodSync(passwd, 0o644);
  const ports = { imap: await freePort(), imaps: await freePort(), pop3: await freePort(), pop3s: await freePort() };
  const lmtp = path.join(directory, 'run', 'lmtp-in');
  const hibernate = options.hibernateAfter ?? 0;
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
mail_uid = 8
mail_gid = 8
first_valid_uid = 1
mail_max_userip_connections = 100000
default_client_limit = 20000
default_process_limit = 4000
default_vsz_limit = 1G
${options.flavour === 'tuned' ? TUNED : ''}
${hibernate > 0 ? `imap_hibernate_timeout = ${hibernate}s\nservice imap {\n  unix_listener imap-master {\n    user = dovecot\n  }\n  extra_groups = dovecot\n}\nservice imap-hibernate {\n  client_limit = 20000\n  unix_listener imap-hibernate {\n    mode = 0666\n  }\n}` : ''}
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
  driver = static
  args = uid=8 gid=8 home=${mail}/%n
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
