/**
 * The machines of the cluster as network namespaces: a bridge for each site, a link for each host, and a line with
 * latency between the sites. Everything lives in namespaces of scripts/cluster.ts, which nothing outlives: not the
 * names (a private /run/netns), not the mounts, not the processes.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { HOST_NAMES, type HostName, HOSTS, hostsFile, SITES, type SiteName } from './topology.ts';

/** One round trip between the sites: twice the delay of one way. */
export const ROUND_TRIP_MS = 40;

export interface LineSettings {
  readonly delay: number;
  readonly loss: number;
  /** Bytes a second; 0: as many as come. */
  readonly rate: number;
  readonly cut: boolean;
}
export const HEALTHY_LINE: LineSettings = { delay: ROUND_TRIP_MS / 2000, loss: 0, rate: 0, cut: false };

const MARK = 'PENFOLD_CLUSTER_NAMESPACES';

/** Environment of the process that runs the tests (scripts/cluster.ts). */
export const insideMark = { [MARK]: '1' };

function ip(...words: readonly string[]): void {
  const { status, stderr } = spawnSync('ip', words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip ${words.join(' ')}: ${stderr}`);
}

/** The tests run in this namespace, without a name. */
const OWN: HostName = 'CLIENT-E';
const switchOf = (site: SiteName): string => `switch-${site}`;
/** Device names are short. */
const deviceOf = (name: HostName): string => `v-${name.toLowerCase()}`;

export class Network {
  readonly #line: ChildProcess;
  readonly #answers: AsyncIterator<string>;
  #setting: Promise<void> = Promise.resolve();

  private constructor(line: ChildProcess, answers: AsyncIterator<string>) {
    this.#line = line;
    this.#answers = answers;
  }

  /** @throws Error outside scripts/cluster.ts: it would change the machine's own network */
  static async create(scratch: string): Promise<Network> {
    if (process.env[MARK] === undefined) throw new Error('the cluster runs by npm run test:cluster only');
    mkdirSync('/run/netns', { recursive: true });
    mount('tmpfs', '-t', 'tmpfs', '/run/netns');
    const hosts = path.join(scratch, 'hosts');
    writeFileSync(hosts, hostsFile(), { mode: 0o644 });
    mount(hosts, '--bind', '/etc/hosts');
    ip('link', 'set', 'lo', 'up');
    for (const site of ['East', 'West'] as const) makeSite(site);
    for (const name of HOST_NAMES) makeHost(name);
    const line = spawn(
      'python3',
      [path.join(import.meta.dirname, 'line.py'), `/run/netns/${switchOf('East')}`, `/run/netns/${switchOf('West')}`],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    const answers = createInterface({ input: line.stdout })[Symbol.asyncIterator]();
    await expected(answers, 'ready');
    for (const [here, there] of [
      ['East', 'West'],
      ['West', 'East'],
    ] as const) {
      ip('-n', switchOf(here), 'link', 'set', 'line', 'up');
      ip('-n', switchOf(here), 'route', 'add', SITES[there].network, 'dev', 'line');
    }
    const network = new Network(line, answers);
    await network.line(HEALTHY_LINE);
    return network;
  }

  /** Changes the line between the sites; resolves when it counts. */
  line(settings: Partial<LineSettings>): Promise<void> {
    this.#setting = this.#setting.then(async () => {
      this.#line.stdin?.write(`${JSON.stringify(settings)}\n`);
      await expected(this.#answers, 'set');
    });
    return this.#setting;
  }

  /** Pulls the plug of one host, or puts it back. */
  plug(name: HostName, isIn: boolean): void {
    ip('-n', switchOf(HOSTS[name].site), 'link', 'set', deviceOf(name), isIn ? 'up' : 'down');
  }

  close(): void {
    this.#line.kill('SIGKILL');
  }
}

/** Words in front of a command that shall run on a host. */
export function commandOn(name: HostName): readonly string[] {
  // Not `ip netns exec`: it would put the machine's own /etc/hosts back.
  return name === OWN ? [] : ['nsenter', `--net=/run/netns/${name}`];
}

function mount(...words: readonly string[]): void {
  const [what = '', ...rest] = words;
  const where = rest.pop() ?? '';
  const { status, stderr } = spawnSync('mount', [...rest, what, where], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`mount ${words.join(' ')}: ${stderr}`);
}

/** A disk of so many megabytes; for tests that fill it. */
export function makeDisk(folder: string, megabytes: number): void {
  mkdirSync(folder, { recursive: true });
  mount('tmpfs', '-t', 'tmpfs', '-o', `size=${megabytes}m`, folder);
}

function makeSite(site: SiteName): void {
  const name = switchOf(site);
  const { network, gateway } = SITES[site];
  ip('netns', 'add', name);
  ip('-n', name, 'link', 'set', 'lo', 'up');
  ip('-n', name, 'link', 'add', 'bridge', 'type', 'bridge');
  ip('-n', name, 'address', 'add', `${gateway}/${network.split('/')[1] ?? ''}`, 'dev', 'bridge');
  ip('-n', name, 'link', 'set', 'bridge', 'up');
  const forwarding = spawnSync('ip', ['netns', 'exec', name, 'sysctl', '-qw', 'net.ipv4.ip_forward=1']);
  if (forwarding.status !== 0) throw new Error(`no forwarding in ${name}: ${String(forwarding.stderr)}`);
}

function makeHost(name: HostName): void {
  const { site, address } = HOSTS[name];
  const device = deviceOf(name);
  const inside = name === OWN ? [] : ['-n', name];
  if (name !== OWN) ip('netns', 'add', name);
  ip('-n', switchOf(site), 'link', 'add', device, 'type', 'veth', 'peer', 'name', `p${device}`);
  ip('-n', switchOf(site), 'link', 'set', device, 'master', 'bridge', 'up');
  const target = name === OWN ? String(process.pid) : name;
  ip('-n', switchOf(site), 'link', 'set', `p${device}`, 'netns', target);
  ip(...inside, 'link', 'set', 'lo', 'up');
  ip(...inside, 'link', 'set', `p${device}`, 'name', 'eth0');
  ip(...inside, 'address', 'add', `${address}/24`, 'dev', 'eth0');
  ip(...inside, 'link', 'set', 'eth0', 'up');
  ip(...inside, 'route', 'add', 'default', 'via', SITES[site].gateway);
}

async function expected(answers: AsyncIterator<string>, word: string): Promise<void> {
  const { value, done } = await answers.next();
  if (done === true || value !== word) throw new Error(`the line between the sites said ${String(value)}`);
}
