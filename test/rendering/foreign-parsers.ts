/**
 * Two MIME parsers that are not ours look at what was rendered: Python's email package (its defects, decoded leaves)
 * and Dovecot (BODYSTRUCTURE by doveadm on a Maildir). Nothing but loopback files in a directory of their own.
 */
import { spawn, spawnSync } from 'node:child_process';
import { chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type BodyTree, FetchGrammar } from '../support/fetch-grammar.ts';

export interface PythonLeaf {
  readonly type: string;
  readonly disposition: string | null;
  readonly name: string | null;
  readonly method: string | null;
  /** SHA-1 of the decoded content. */
  readonly hash: string;
  /** Of text parts. */
  readonly text: string | null;
}

export interface PythonView {
  readonly defects: readonly string[];
  readonly leaves: readonly PythonLeaf[];
}

/* Messages come as length and octets; each gives a line of JSON. Enclosed messages are not looked into. */
const PYTHON = `
import sys, json, hashlib, struct
from email import message_from_bytes, policy
source = sys.stdin.buffer
def look(part, out, defects):
    if part.is_multipart() and part.get_content_maintype() == 'multipart':
        for inner in part.iter_parts(): look(inner, out, defects)
    else:
        text = None
        if part.get_content_maintype() == 'message': content = b''
        else:
            content = part.get_payload(decode=True) or b''
            if part.get_content_maintype() == 'text':
                try: text = content.decode(part.get_content_charset() or 'ascii', 'replace')
                except LookupError: text = content.decode('latin1')
        out.append({'type': part.get_content_type(), 'disposition': part.get_content_disposition(),
            'name': str(part.get_filename()) if part.get_filename() is not None else None,
            'method': part.get_param('method') if isinstance(part.get_param('method'), str) else None,
            'hash': hashlib.sha1(content).hexdigest(), 'text': text})
    defects.extend(type(defect).__name__ for defect in part.defects)
while True:
    head = source.read(4)
    if len(head) < 4: break
    message = message_from_bytes(source.read(struct.unpack('>I', head)[0]), policy=policy.default)
    leaves, defects = [], []
    try: look(message, leaves, defects)
    except Exception as error: defects.append('crash: ' + repr(error))
    print(json.dumps({'defects': defects, 'leaves': leaves}))
`;

export function pythonMissing(): string | false {
  return spawnSync('python3', ['-c', 'import email']).status === 0 ? false : 'python3 is not installed';
}

export async function pythonViews(messages: readonly Buffer[]): Promise<PythonView[]> {
  if (messages.length === 0) return [];
  const python = spawn('python3', ['-c', PYTHON], { stdio: ['pipe', 'pipe', 'pipe'] });
  const output: Buffer[] = [];
  const errors: Buffer[] = [];
  python.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  python.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  const ended = new Promise<number | null>((resolve) => python.on('close', resolve));
  for (const message of messages) {
    const head = Buffer.alloc(4);
    head.writeUInt32BE(message.length);
    python.stdin.write(head);
    python.stdin.write(message);
  }
  python.stdin.end();
  const status = await ended;
  if (status !== 0) throw new Error(`python3 ended with ${status}: ${String(Buffer.concat(errors))}`);
  return String(Buffer.concat(output)).trimEnd().split('\n').map(pythonView);
}

function pythonView(line: string): PythonView {
  const view: unknown = JSON.parse(line);
  if (typeof view !== 'object' || view === null || !('defects' in view) || !('leaves' in view)) throw new Error(line);
  const { defects, leaves } = view;
  if (!Array.isArray(defects) || !Array.isArray(leaves)) throw new Error(line);
  return { defects: defects.map(String), leaves: leaves.map(pythonLeaf) };
}

function pythonLeaf(leaf: unknown): PythonLeaf {
  const text = (name: string): string | null => {
    const value: unknown = typeof leaf === 'object' && leaf !== null ? Reflect.get(leaf, name) : null;
    return typeof value === 'string' ? value : null;
  };
  return {
    type: text('type') ?? '',
    disposition: text('disposition'),
    name: text('name'),
    method: text('method'),
    hash: text('hash') ?? '',
    text: text('text'),
  };
}

/** Debian's nobody, when tests run as root: Dovecot refuses to read mail as root. */
const NOBODY = 65_534;

const config = (root: string, uid: number, gid: number): string => `
protocols =
base_dir = ${root}/run
mail_location = maildir:${root}/Maildir
log_path = /dev/stderr
ssl = no
mail_uid = ${uid}
mail_gid = ${gid}
first_valid_uid = 1
first_valid_gid = 1
`;

export function dovecotMissing(): string | false {
  return spawnSync('doveadm', ['--help']).error === undefined ? false : 'doveadm is not installed';
}

/** Body structure of each message as Dovecot sees it; null where its answer is outside the grammar. */
export async function dovecotViews(messages: readonly Buffer[]): Promise<Array<BodyTree | null>> {
  if (messages.length === 0) return [];
  const root = await mkdtemp(path.join(tmpdir(), 'penfold-doveadm-'));
  try {
    const isRoot = process.getuid?.() === 0;
    const uid = isRoot ? NOBODY : (process.getuid?.() ?? NOBODY);
    const gid = isRoot ? NOBODY : (process.getgid?.() ?? NOBODY);
    const folders = ['', 'Maildir', 'Maildir/cur', 'Maildir/new', 'Maildir/tmp'].map((name) => path.join(root, name));
    for (const folder of folders) mkdirSync(folder, { recursive: true });
    const files = messages.map((message, index) => {
      const file = path.join(root, 'Maildir', 'cur', `${String(1_000_000_000 + index)}.M1.h:2,`);
      writeFileSync(file, message);
      return file;
    });
    if (isRoot) for (const name of [...folders, ...files]) chownSync(name, uid, gid);
    const conf = path.join(root, 'dovecot.conf');
    writeFileSync(conf, config(root, uid, gid));
    const run = spawnSync(
      'doveadm',
      ['-c', conf, '-f', 'json', 'fetch', 'uid imap.bodystructure', 'mailbox', 'INBOX', 'all'],
      {
        env: { ...process.env, USER: 'penfold', HOME: root },
        maxBuffer: 256 * 1024 * 1024,
        encoding: 'latin1',
      },
    );
    if (run.status !== 0) throw new Error(`doveadm: ${run.stderr}`);
    const rows: unknown = JSON.parse(run.stdout);
    if (!Array.isArray(rows) || rows.length !== messages.length)
      throw new Error('doveadm did not tell of every message');
    return rows.map(dovecotTree);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

function dovecotTree(row: unknown): BodyTree | null {
  const text: unknown = typeof row === 'object' && row !== null ? Reflect.get(row, 'imap.bodystructure') : null;
  if (typeof text !== 'string') throw new Error('doveadm gave no body structure');
  try {
    const grammar = new FetchGrammar(Buffer.from(`(${text})`, 'latin1'));
    const tree = grammar.body(true);
    grammar.finish();
    return tree;
  } catch {
    return null;
  }
}

/** Types and sizes, which no two parsers may disagree about. */
export function skeleton(tree: BodyTree): string {
  const inner = tree.children.map(skeleton).join(' ');
  return `(${tree.type}/${tree.subtype} ${tree.octets ?? ''} ${inner})`.toLowerCase();
}
