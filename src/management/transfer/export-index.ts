/**
 * What file formats cannot say, kept beside the files of an export so that an import brings it back: true folder
 * names and special uses (`penfold-export.json` at the root), and for .eml folders the facts of each message
 * (`messages.jsonl`, one line a file). Foreign trees have neither and are read without.
 */
import { createReadStream } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import * as v from 'valibot';
import { SPECIAL_USES } from '../../store/model.ts';

export const EXPORT_INDEX = 'penfold-export.json';
export const MESSAGE_INDEX = 'messages.jsonl';

const specialUse = v.nullable(v.picklist(SPECIAL_USES));
const folderEntry = v.object({
  /** File or folder relative to the root, `/` between levels; `.` is the root itself. */
  path: v.string(),
  name: v.string(),
  specialUse,
  subscribed: v.boolean(),
  uidValidity: v.nullable(v.number()),
  uidNext: v.nullable(v.number()),
  messages: v.nullable(v.number()),
  /** False while it is being written: an interrupted export does these again. */
  complete: v.boolean(),
});
const indexSchema = v.object({
  version: v.literal(1),
  format: v.string(),
  mailbox: v.string(),
  folders: v.array(folderEntry),
});
const messageSchema = v.object({
  file: v.string(),
  flags: v.number(),
  keywords: v.array(v.string()),
  internalDate: v.nullable(v.number()),
  saveDate: v.nullable(v.number()),
  uid: v.nullable(v.number()),
  uidl: v.nullable(v.string()),
});

export type ExportIndex = v.InferOutput<typeof indexSchema>;
export type ExportedFolder = v.InferOutput<typeof folderEntry>;
export type ExportedMessage = v.InferOutput<typeof messageSchema>;

/** Null: there is none, or it is not ours. */
export async function readExportIndex(root: string): Promise<ExportIndex | null> {
  let text: string;
  try {
    text = await readFile(path.join(root, EXPORT_INDEX), 'utf8');
  } catch {
    return null;
  }
  try {
    const result = v.safeParse(indexSchema, JSON.parse(text));
    return result.success ? result.output : null;
  } catch {
    return null;
  }
}

export async function writeExportIndex(root: string, index: ExportIndex): Promise<void> {
  const file = path.join(root, EXPORT_INDEX);
  await writeFile(`${file}.new`, `${JSON.stringify(index, null, 1)}\n`);
  await rename(`${file}.new`, file);
}

/** Lines in the order of the export. A line that cannot be read ends the list: the export was cut off there. */
export async function* readMessageIndex(directory: string): AsyncIterable<ExportedMessage> {
  const stream = createReadStream(path.join(directory, MESSAGE_INDEX), 'utf8');
  for await (const line of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) {
    let entry: unknown;
    try {
      entry = JSON.parse(line);
    } catch {
      return;
    }
    const result = v.safeParse(messageSchema, entry);
    if (!result.success) return;
    yield result.output;
  }
}
