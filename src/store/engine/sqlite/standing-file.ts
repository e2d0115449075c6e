/** The file `standing` beside a mailbox that is being moved, or was (store/moving.ts). Most mailboxes have none. */
import fs from 'node:fs';
import path from 'node:path';
import { Failure } from '../../../observe/failure.ts';
import type { Standing } from '../../moving.ts';
import { errorCode } from '../disk-failure.ts';
import { flushDirectory } from './files.ts';

const NAME = 'standing';
const KINDS: readonly Standing['kind'][] = ['receiving', 'received', 'leaving', 'moved'];

/** @throws Failure CORRUPTION: a mailbox whose standing cannot be read stays shut */
export async function readStanding(directory: string): Promise<Standing | null> {
  let text: string;
  try {
    text = await fs.promises.readFile(path.join(directory, NAME), 'utf8');
  } catch (reason) {
    if (errorCode(reason) === 'ENOENT') return null;
    throw reason;
  }
  const [word, move, at] = text.trimEnd().split(' ');
  const kind = KINDS.find((one) => one === word);
  const since = Number(at);
  if (kind === undefined || move === undefined || !Number.isSafeInteger(since))
    throw new Failure('CORRUPTION', 'What a move has noted about the mailbox cannot be read.');
  return { kind, move, at: since };
}

/** Durable when it resolves. */
export async function writeStanding(directory: string, standing: Standing | null): Promise<void> {
  const file = path.join(directory, NAME);
  if (standing === null) await fs.promises.rm(file, { force: true });
  else {
    const handle = await fs.promises.open(`${file}.new`, 'w');
    try {
      await handle.writeFile(`${standing.kind} ${standing.move} ${standing.at}\n`);
      await handle.datasync();
    } finally {
      await handle.close();
    }
    await fs.promises.rename(`${file}.new`, file);
  }
  await flushDirectory(directory);
}
