/**
 * HAProxy in front of the server, with both versions of the PROXY protocol: the client behind it (127.0.0.9) is the one
 * the server sees, never the balancer (127.0.0.2), and its health checks are answered.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { findFreePorts } from '../../src/main/free-ports.ts';
import { type Instance, needs, runOk, sample, startInstance, writeScratch } from './instance.ts';

const BALANCER = '127.0.0.2';
const CLIENT = '127.0.0.9';
const VERSIONS = { v1: 'send-proxy', v2: 'send-proxy-v2' } as const;
type Version = keyof typeof VERSIONS;
/** Commands until one has to be in the log. */
const NOOPS = 200;
const UP_MS = 20_000;

describe('behind HAProxy', { skip: needs('haproxy', 'curl') }, () => {
  let instance: Instance;
  let balancer: ChildProcess;
  let said = '';
  let heard = Promise.withResolvers<void>();
  const ports = new Map<string, number>();
  const portOf = (service: 'imaps' | 'smtps' | 'inbound', version: Version): number =>
    ports.get(`${service}-${version}`) ?? assert.fail();

  async function balancerSays(text: string): Promise<void> {
    const late = setTimeout(() => heard.reject(new Error(`HAProxy did not say «${text}» but:\n${said}`)), UP_MS);
    try {
      while (!said.includes(text)) {
        await heard.promise;
        heard = Promise.withResolvers<void>();
      }
    } finally {
      clearTimeout(late);
    }
  }

  before(async () => {
    instance = await startInstance();
    await instance.penfold('Set-ClientAccessServer', '-ProxyProtocolIPRanges', BALANCER);
    await instance.penfold('Set-ImapSettings', '-ProtocolLogEnabled', '$true', '-LogFileLocation', logFolder());
    const services = { imaps: instance.imaps(), smtps: instance.smtps(), inbound: instance.inbound() };
    const free = await findFreePorts('127.0.0.1', 6);
    const sections: string[] = [];
    for (const [service, { port }] of Object.entries(services))
      for (const [version, word] of Object.entries(VERSIONS)) {
        const name = `${service}-${version}`;
        const front = free[ports.size] ?? assert.fail();
        ports.set(name, front);
        const check = service === 'inbound' ? 'option smtpchk EHLO balancer.example' : 'option tcp-check';
        sections.push(
          `listen ${name}\n  bind 127.0.0.1:${front}\n  ${check}\n  server mail 127.0.0.1:${port} source ${BALANCER} ${word} check check-send-proxy inter 1s\n`,
        );
      }
    const config = writeScratch(
      instance,
      'haproxy.cfg',
      `global\n  log stdout format raw local0\ndefaults\n  mode tcp\n  log global\n  option log-health-checks\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n${sections.join('')}`,
    );
    balancer = spawn('haproxy', ['-db', '-f', config], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [balancer.stdout, balancer.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        heard.resolve();
      });
  });
  after(async () => {
    const gone = once(balancer, 'exit');
    balancer.kill('SIGTERM');
    await gone;
    await instance.close();
  });

  const logFolder = (): string => path.join(instance.scratch, 'imap-log');
  const loggedNoops = (): readonly string[] => {
    const folder = logFolder();
    if (!existsSync(folder)) return [];
    const texts = readdirSync(folder).map((file) => readFileSync(path.join(folder, file), 'utf8'));
    return texts.flatMap((text) => text.split('\n').filter((line) => line.includes('noop')));
  };
  const curl = (url: string, ...words: readonly string[]): Promise<string> =>
    runOk('curl', ['-sS', '--interface', CLIENT, '--cacert', instance.ca, ...words, url]);
  const as = (index: number): readonly string[] => {
    const { address, password } = instance.user(index);
    return ['--user', `${address}:${password}`];
  };

  for (const version of ['v1', 'v2'] as const) {
    test(`${version}: health checks are answered`, async () => {
      for (const service of ['imaps', 'smtps', 'inbound'])
        await balancerSays(`Health check for server ${service}-${version}/mail succeeded`);
    });

    test(`${version}: IMAP over TLS, the protocol log has the client`, async () => {
      const before = loggedNoops().length;
      let logged: readonly string[] = [];
      // The setting counts within a second and lines are written in groups: the client asks until its line is there.
      for (let tries = 0; tries < NOOPS && logged.length <= before; tries += 1) {
        await curl(`imaps://localhost:${portOf('imaps', version)}/INBOX`, ...as(0), '-X', 'NOOP');
        logged = loggedNoops();
      }
      assert.ok(logged.length > before, `${NOOPS} commands and no line in the log`);
      for (const line of logged) assert.match(line, new RegExp(`,${CLIENT}(?::\\d+)?,`));
    });

    test(`${version}: submission and inbound SMTP, Received names the client`, async () => {
      const to = instance.user(1).address;
      const from = instance.user(0).address;
      const message = writeScratch(instance, `${version}.eml`, sample(`by ${version}`, from, to));
      const send = (url: string, ...words: readonly string[]): Promise<string> =>
        curl(url, ...words, '--mail-from', from, '--mail-rcpt', to, '--upload-file', message);
      await send(`smtps://localhost:${portOf('smtps', version)}/client.example`, ...as(0));
      await send(`smtp://localhost:${portOf('inbound', version)}/client.example`, '--ssl-reqd');
      const { port } = instance.imaps();
      const found = await curl(`imaps://localhost:${port}/INBOX`, ...as(1), '-X', `SEARCH SUBJECT "by ${version}"`);
      const numbers = found.match(/\d+/g) ?? [];
      assert.equal(numbers.length, 2, found);
      for (const number of numbers) {
        const header = await curl(`imaps://localhost:${port}/INBOX;MAILINDEX=${number};SECTION=HEADER`, ...as(1));
        assert.match(header, /^Received: from client\.example \(.*127\.0\.0\.9/m);
        assert.doesNotMatch(header, /127\.0\.0\.2/);
      }
    });
  }
});
