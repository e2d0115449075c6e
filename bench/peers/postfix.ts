/**
 * Postfix from Debian's packages in front of Dovecot's LMTP, in an instance of its own: the peer of the row
 * "SMTP accepted and in the Inbox".
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Target } from '../client/socket.ts';
import { freePort, listening } from '../ports.ts';

export function postfixInstalled(): boolean {
  return existsSync('/usr/sbin/postfix');
}

export async function startPostfix(
  directory: string,
  lmtpSocket: string,
): Promise<{ smtp: Target; stop: () => Promise<void> }> {
  const config = path.join(directory, 'postfix');
  const queue = path.join(directory, 'postfix-queue');
  const data = path.join(directory, 'postfix-data');
  for (const folder of [config, queue, data]) mkdirSync(folder, { recursive: true });
  spawnSync('chown', ['postfix', data]);
  const port = await freePort();
  writeFileSync(
    path.join(config, 'main.cf'),
    `compatibility_level = 3.6
queue_directory = ${queue}
data_directory = ${data}
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = bench.example
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
virtual_mailbox_domains = bench.example
virtual_transport = lmtp:unix:${lmtpSocket}
local_recipient_maps =
smtpd_relay_restrictions = permit_mynetworks, reject
lmtp_destination_concurrency_limit = 20
virtual_destination_concurrency_limit = 20
default_process_limit = 100
smtpd_client_connection_count_limit = 0
smtpd_peername_lookup = no
maillog_file = ${directory}/postfix.log
maillog_file_prefixes = ${directory}
`,
  );
  writeFileSync(
    path.join(config, 'master.cf'),
    `127.0.0.1:${port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`,
  );
  const made = spawnSync('postfix', ['-c', config, 'check']);
  if (made.status !== 0) throw new Error(`postfix check: ${made.stderr.toString()}`);
  const master: ChildProcess = spawn('/usr/lib/postfix/sbin/master', ['-c', config, '-d'], { stdio: 'ignore' });
  await listening(port);
  return {
    smtp: { host: '127.0.0.1', port, secure: false },
    stop: async () => {
      const gone = new Promise((resolve) => master.once('exit', resolve));
      master.kill('SIGTERM');
      await gone;
    },
  };
}
