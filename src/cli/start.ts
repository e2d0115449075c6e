/** `penfold start`, which is `npm start`: a ready organization for trying Penfold out. */
import { type Command, Option } from 'commander';
import type { Run } from '../main/run.ts';
import { type DataOption, layoutOf, withData } from './options.ts';
import { CommandError, EXIT, print } from './output.ts';
import { startTable } from './start-table.ts';

const SHIFT = 10_000;

interface StartOptions extends DataOption {
  readonly ports?: 'auto' | 'default';
  readonly readyFile?: string;
  readonly host?: string;
}

export function addStart(program: Command): void {
  withData(program.command('start'))
    .description('run a ready organization with two demo mailboxes; made on the first start')
    .addOption(
      new Option('--ports <which>', `default: the standard ports plus ${SHIFT}; auto: whatever is free`).choices([
        'auto',
        'default',
      ]),
    )
    .option('--host <address>', 'address to listen on (default: 127.0.0.1, this machine only)')
    .option('--ready-file <file>', 'write ports and passwords to this file (JSON) when everything listens')
    .addHelpText(
      'after',
      `
Examples:
  penfold start
  penfold start --data /tmp/trial --ports auto --ready-file /tmp/trial/ready.json

The first start makes a certificate authority, a server certificate, connectors, a mailbox database and two mailboxes in
the data directory; later ones find everything as it was. Ctrl-C ends it cleanly. For real use: penfold setup`,
    )
    .action(start);
}

async function start(options: StartOptions): Promise<void> {
  const { createDemo, readDemo, welcome, writeDemo } = await import('../main/demo.ts');
  const { isSetUp } = await import('../main/open-directory.ts');
  const { applyPorts, shiftedPorts } = await import('../main/organization.ts');
  const { freePorts } = await import('../main/free-ports.ts');
  const { readyFacts, removeReadyFile, writeReadyFile } = await import('../main/ready-file.ts');
  const { runServer } = await import('../main/run.ts');
  const { liveUntilStopped } = await import('../main/lifecycle.ts');
  const { logPlace } = await import('../main/log.ts');
  const { version } = await import('./version.ts');
  const layout = layoutOf(options);
  if (options.readyFile !== undefined) await removeReadyFile(options.readyFile);
  const isFirst = !isSetUp(layout);
  let demo = isFirst ? await createDemo(layout) : await readDemo(layout);
  if (demo === null) {
    throw new CommandError(`${layout.root} was set up for real use, not by penfold start`, {
      next: `Run it: penfold serve --data ${options.data}. Or try Penfold in another folder: penfold start --data DIR`,
    });
  }
  const address = options.host ?? '127.0.0.1';
  const host = await nameOf(address);
  const isMoved = isFirst || options.ports !== undefined || options.host !== undefined;
  const ports = options.ports === 'auto' ? await freePorts(address) : shiftedPorts(SHIFT, address);
  if (isMoved || demo.web === undefined) {
    demo = { ...demo, web: { address, port: ports.web }, redirect: { address, port: ports.redirect } };
    await writeDemo(layout, demo);
  }
  let run: Run;
  try {
    run = await runServer(layout, {
      version: version(),
      names: [host],
      webBindings: demo.web === undefined ? [] : [demo.web],
      redirectBindings: demo.redirect === undefined ? [] : [demo.redirect],
      prepare: async ({ directory, server }) => {
        if (isMoved) await applyPorts(directory, server, ports);
      },
      beforeListening: async ({ directory, server }, databaseOf) => {
        if (demo !== null) demo = await welcome(layout, demo, directory, server, databaseOf);
      },
    });
  } catch (error) {
    throw explained(error);
  }
  const connectors = await run.directory.connectors(run.server.id);
  const portOf = (name: string): number | undefined =>
    connectors.find((connector) => connector.name.startsWith(name))?.bindings[0]?.port;
  const facts = readyFacts(demo, {
    ca: run.authorityFile,
    host,
    listeners: run.running.listeners(),
    smtp: { submission: portOf('Client Frontend'), inbound: portOf('Default Frontend') },
  });
  print(startTable(facts, { version: version(), data: layout.root, log: logPlace(layout, run.configuration) }));
  if (options.readyFile !== undefined) await writeReadyFile(options.readyFile, facts);
  process.exitCode = await liveUntilStopped(run, {
    drainMs: run.configuration.shutdown.drain_seconds * 1000,
    log: run.log,
    reload: run.reload,
    say: print,
  });
  if (options.readyFile !== undefined) await removeReadyFile(options.readyFile);
}

/** What the certificate and mail programs call this server. */
async function nameOf(address: string): Promise<string> {
  const { isIP } = await import('node:net');
  if (isIP(address) === 0) {
    throw new CommandError(`--host ${address} is no address of this machine`, {
      exitCode: EXIT.usage,
      next: 'Give an IP address, such as 127.0.0.1, 0.0.0.0 (all IPv4) or :: (all IPv6).',
    });
  }
  return ['127.0.0.1', '::1', '0.0.0.0', '::'].includes(address) ? 'localhost' : address;
}

/** A taken port is the one thing that goes wrong at many people's first start. */
function explained(error: unknown): unknown {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  if (!(error instanceof Error) || code !== 'INUSE' || !error.message.includes('port ')) return error;
  return new CommandError(error.message, {
    cause: error,
    next: 'Any free ports will do? npm start -- --ports auto',
  });
}
