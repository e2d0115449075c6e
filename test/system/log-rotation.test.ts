/** logrotate and Prometheus with a real data directory: penfold.toml turns metrics on, reload opens the log anew. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { dataLayout } from '../../src/config/data-directory.ts';
import { freePorts } from '../../src/main/free-ports.ts';
import { applyPorts } from '../../src/main/organization.ts';
import { runServer } from '../../src/main/run.ts';
import { penfold } from '../support/child-server.ts';
import { parseMetrics, valueOf } from '../support/prometheus-text.ts';

async function holding(file: string, text: string): Promise<string> {
  for (;;) {
    const found = await readFile(file, 'utf8').catch(() => '');
    if (found.includes(text)) return found;
    await turn();
  }
}

test('reload writes on in a new file; metrics are where penfold.toml says', async () => {
  const root = await mkdtemp(path.join(tmpdir(), 'penfold-rotation-'));
  try {
    const data = path.join(root, 'data');
    const setup = await penfold(['setup', '--data', data, '--domain', 'example.test', '--fqdn', 'localhost']);
    assert.equal(setup.code, 0, setup.stderr);
    const layout = dataLayout(data);
    const toml = await readFile(layout.configuration, 'utf8');
    assert.match(toml, /^# listen = ""$/m);
    await writeFile(layout.configuration, toml.replace(/^# listen = ""$/m, 'listen = "127.0.0.1:0"'));
    const ports = await freePorts('127.0.0.1');
    const run = await runServer(layout, {
      version: 'test',
      webBindings: [{ address: '127.0.0.1', port: ports.web }],
      prepare: ({ directory, server }) => applyPorts(directory, server, ports),
    });
    try {
      const log = path.join(data, 'logs', 'penfold.log');
      const before = await holding(log, 'the server runs');
      await rename(log, `${log}.1`);
      await run.reload();
      run.log.info({}, 'written behind the rotation');
      await holding(log, 'written behind the rotation');
      assert.equal(await readFile(`${log}.1`, 'utf8'), before);

      const response = await fetch(`http://127.0.0.1:${run.running.metrics?.port}/metrics`);
      const families = parseMetrics(await response.text());
      assert.equal(valueOf(families, 'penfold_info', { server: 'LOCALHOST' }), 1);
      assert.ok(valueOf(families, 'penfold_disk_size_bytes', { place: 'data' }) > 0);
    } finally {
      await run.drain(0);
    }
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});
