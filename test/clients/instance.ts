/**
 * A server started the way a user starts it (`penfold start --ports auto --ready-file …`), for foreign clients.
 * Nothing is shared with the code under test but the command line and the ready file.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export interface Listener {
  readonly host: string;
  readonly port: number;
  readonly security: 'ssl' | 'starttls' | 'none';
}

export interface MailboxLogon {
  readonly address: string;
  readonly password: string;
}

interface Ready {
  readonly ca: string;
  readonly imap: readonly Listener[];
  readonly pop3: readonly Listener[];
  readonly smtp: readonly Listener[];
  readonly mailboxes: readonly MailboxLogon[];
}

export interface Instance extends Ready {
  /** Scratch directory for the client's own files. */
  readonly scratch: string;
  imaps(): Listener;
  pop3s(): Listener;
  smtps(): Listener;
  /** Port 25: mail from outside. */
  inbound(): Listener;
  submission(): Listener;
  user(index: number): MailboxLogon;
  /** Runs `penfold …` against this instance. */
  penfold(...words: string[]): Promise<string>;
  close(): Promise<void>;
}

const root = path.dirname(path.dirname(import.meta.dirname));
const READY_MS = 30_000;

/**
 * Starts a server; with PENFOLD_CLIENTS_READY=FILE the tests run against the server that FILE (a ready file) names
 * instead, which is how the tests themselves are checked against other mail servers.
 */
export async function startInstance(): Promise<Instance> {
  const other = process.env.PENFOLD_CLIENTS_READY;
  const directory = mkdtempSync(path.join(os.tmpdir(), 'penfold-clients-'));
  const data = path.join(directory, 'data');
  const readyFile = path.join(directory, 'ready.json');
  const scratch = path.join(directory, 'scratch');
  mkdirSync(scratch);
  const child = other === undefined ? startServer(data, readyFile) : null;
  if (child !== null) await appeared(readyFile, child);
  const ready = parseReady(readFileSync(other ?? readyFile, 'utf8'));
  const one = (list: readonly Listener[], security: Listener['security'], what: string): Listener => {
    const found = list.find((listener) => listener.security === security);
    if (found === undefined) throw new Error(`the instance has no ${what}`);
    return found;
  };
  const starttls = ready.smtp.filter((listener) => listener.security === 'starttls');
  return {
    ...ready,
    scratch,
    imaps: () => one(ready.imap, 'ssl', 'imaps'),
    pop3s: () => one(ready.pop3, 'ssl', 'pop3s'),
    smtps: () => one(ready.smtp, 'ssl', 'smtps'),
    submission: () => starttls[0] ?? one([], 'starttls', 'submission'),
    inbound: () => starttls[1] ?? one([], 'starttls', 'inbound SMTP'),
    user: (index) => {
      const mailbox = ready.mailboxes[index];
      if (mailbox === undefined) throw new Error(`no demo mailbox ${index}`);
      return mailbox;
    },
    penfold: async (...words) => {
      const result = await run(process.execPath, [path.join(root, 'src/main.ts'), ...words, '--data', data]);
      if (result.code !== 0)
        throw new Error(`penfold ${words.join(' ')} ended with ${result.code}:\n${result.stdout}${result.stderr}`);
      return result.stdout;
    },
    close: async () => {
      if (child !== null) {
        const gone = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGTERM');
        await gone;
      }
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function startServer(data: string, readyFile: string): ChildProcess {
  const words = ['start', '--data', data, '--ports', 'auto', '--ready-file', readyFile];
  return spawn(process.execPath, [path.join(root, 'src/main.ts'), ...words], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** Resolves when `file` is there; the ready file is written whole, by rename. */
async function appeared(file: string, child: ChildProcess): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const watcher = watch(path.dirname(file), () => {
    if (existsSync(file)) resolve();
  });
  const late = setTimeout(() => reject(new Error('the server did not become ready')), READY_MS);
  child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
  if (existsSync(file)) resolve();
  try {
    await promise;
  } finally {
    watcher.close();
    clearTimeout(late);
  }
}

function parseReady(text: string): Ready {
  const facts: unknown = JSON.parse(text);
  const empty: Ready = { ca: '', imap: [], pop3: [], smtp: [], mailboxes: [] };
  return Object.assign({}, empty, facts);
}

export interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a foreign program to its end, 60 s at most. */
export function run(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string>; input?: string | Buffer; timeoutMs?: number } = {},
): Promise<Result> {
  const { promise, resolve, reject } = Promise.withResolvers<Result>();
  const child = spawn(command, args, {
    cwd: options.cwd ?? os.tmpdir(),
    env: { ...process.env, ...options.env },
    timeout: options.timeoutMs ?? 60_000,
  });
  const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  child.stdin.on('error', () => {});
  child.stdin.end(options.input ?? '');
  child.on('error', reject);
  child.on('close', (code) =>
    resolve({ code, stdout: Buffer.concat(stdout).toString('utf8'), stderr: Buffer.concat(stderr).toString('utf8') }),
  );
  return promise;
}

/** Runs a foreign program and throws with all it said unless it ended well. */
export async function runOk(
  command: string,
  args: readonly string[],
  options: Parameters<typeof run>[2] = {},
): Promise<string> {
  const result = await run(command, args, options);
  if (result.code !== 0) throw new Error(`${command} ended with ${result.code}:\n${result.stdout}\n${result.stderr}`);
  return result.stdout;
}

export function installed(program: string): boolean {
  return spawnSync('which', [program], { stdio: 'ignore' }).status === 0;
}

/** For `test(…, { skip })`: the printed reason when a program is absent. */
export function needs(...programs: string[]): string | false {
  const absent = programs.filter((program) => !installed(program));
  return absent.length === 0 ? false : `not installed: ${absent.join(', ')}`;
}

/** A small message that can be told apart by its subject. */
export function sample(subject: string, from = 'someone@elsewhere.example', to = 'you@example.test'): string {
  return `From: Some One <${from}>\r\nTo: ${to}\r\nSubject: ${subject}\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\nMessage-ID: <${encodeURIComponent(subject)}.${process.pid}@elsewhere.example>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nBody of ${subject}.\r\n.a line with a dot\r\n`;
}

export function writeScratch(instance: Instance, name: string, text: string, mode = 0o600): string {
  const file = path.join(instance.scratch, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text, { mode });
  return file;
}
