import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServiceName } from '../../directory/model.ts';
import { Failure } from '../../observe/failure.ts';
import { type Log, silentLog } from '../../observe/log.ts';
import { HealthMonitor } from './monitor.ts';
import type { Probe, ProbeServices } from './probes.ts';

const services: ProbeServices = {
  fqdn: 'localhost',
  authorityPem: () => Promise.resolve(''),
  frontDoor: () => [],
  credential: () => Promise.reject(new Error('not asked for')),
  account: () => Promise.reject(new Error('not asked for')),
  databaseOf: () => assert.fail(),
  openBackEnd: () => Promise.resolve(),
  proxyTroubles: () => [],
};

function monitored(outcomes: Array<Error | null>): {
  monitor: HealthMonitor;
  lines: string[];
  running: Set<ServiceName>;
} {
  const lines: string[] = [];
  const write = (_fields: object, text: string): void => void lines.push(text);
  const log: Log = { ...silentLog, error: write, info: write };
  const running = new Set<ServiceName>(['imap4']);
  const probe: Probe = {
    name: 'OneProbe',
    healthSet: 'IMAP',
    needs: ['imap4'],
    says: 'One.',
    run: () => {
      const outcome = outcomes.shift() ?? null;
      return outcome === null ? Promise.resolve() : Promise.reject(outcome);
    },
  };
  const monitor = new HealthMonitor({ services, log, probes: [probe], running: () => Promise.resolve(running) });
  return { monitor, lines, running };
}

test('a failing probe is logged once, and once when it works again', async () => {
  const trouble = new Failure('UNAVAILABLE', 'no');
  const { monitor, lines } = monitored([null, trouble, trouble, null]);
  const states: string[] = [];
  for (let i = 0; i < 4; i += 1) states.push((await monitor.run('oneprobe'))?.state ?? '');
  assert.deepEqual(states, ['Healthy', 'Unhealthy', 'Unhealthy', 'Healthy']);
  assert.deepEqual(lines, ['health: a probe fails', 'health: a probe works again']);
});

test('what an admin has stopped is Disabled, not sick', async () => {
  const { monitor, running } = monitored([new Failure('UNAVAILABLE', 'no')]);
  running.clear();
  assert.equal((await monitor.runAll())[0]?.state, 'Disabled');
});

test('a probe nobody knows is none', async () => {
  assert.equal(await monitored([]).monitor.run('NoProbe'), null);
});

test('who asks for a probe that is running gets its result: a hundred admins are one client more', async () => {
  let runs = 0;
  const gate = Promise.withResolvers<void>();
  const monitor = new HealthMonitor({
    services,
    running: () => Promise.resolve(new Set()),
    log: silentLog,
    probes: [
      {
        name: 'Slow',
        healthSet: 'IMAP',
        needs: [],
        says: '',
        run: () => {
          runs += 1;
          return gate.promise;
        },
      },
    ],
  });
  const asked = Promise.all([monitor.runAll(), monitor.runAll(), monitor.run('slow'), monitor.run('Slow')]);
  await new Promise((resolve) => setImmediate(resolve));
  gate.resolve();
  await asked;
  assert.equal(runs, 1);
  await monitor.run('Slow');
  assert.equal(runs, 2);
});
