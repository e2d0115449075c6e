/**
 * Builds the browser app into webapp/dist when its sources or the dependencies have changed since, and compresses what
 * the server sends, so that no request waits for a compressor. The launcher calls it before what needs the app.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { glob, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

const root = path.dirname(import.meta.dirname);
const webapp = path.join(root, 'webapp');
const dist = path.join(webapp, 'dist');
const STAMP = path.join(dist, '.sources');
const COMPRESSED = /\.(js|css|html|svg|webmanifest)$/;
/** Below this a compressed file saves no packet. */
const LEAST_BYTES = 1024;

async function sourcesHash(): Promise<string> {
  const hash = createHash('sha256');
  const files: string[] = [];
  for await (const file of glob('**/*', { cwd: webapp, withFileTypes: true, exclude: ['dist'] }))
    if (file.isFile()) files.push(path.join(file.parentPath, file.name));
  for (const file of [...files.sort(), path.join(root, 'package-lock.json')])
    hash
      .update(path.relative(root, file))
      .update('\0')
      .update(await readFile(file))
      .update('\0');
  return hash.digest('hex');
}

async function compress(file: string): Promise<void> {
  const bytes = await readFile(file);
  if (bytes.length < LEAST_BYTES) return;
  const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
  await writeFile(`${file}.br`, await promisify(brotliCompress)(bytes, { params }));
  await writeFile(`${file}.gz`, await promisify(gzip)(bytes, { level: constants.Z_BEST_COMPRESSION }));
}

const hash = await sourcesHash();
if (!existsSync(STAMP) || (await readFile(STAMP, 'utf8')) !== hash) {
  const { build } = await import('vite');
  console.error('penfold: building the web app (once) …');
  // Beside the old one, then renamed: a server that runs, or another build, never sees half of it.
  const outDir = path.join(webapp, `dist.${process.pid}`);
  try {
    await build({ configFile: path.join(webapp, 'vite.config.ts'), logLevel: 'warn', build: { outDir } });
    for await (const file of glob('**/*', { cwd: outDir, withFileTypes: true }))
      if (file.isFile() && COMPRESSED.test(file.name)) await compress(path.join(file.parentPath, file.name));
    await writeFile(path.join(outDir, '.sources'), hash);
    await rm(dist, { recursive: true, force: true });
    await rename(outDir, dist);
  } finally {
    await rm(outDir, { recursive: true, force: true });
  }
}
