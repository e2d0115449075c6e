/**
 * State strings of Email, Mailbox and Thread: they name a moment in the life of the mailbox by its MODSEQ, by the
 * highest content there was (so that "new" and "changed" can be told apart) and by the folders there were (so that a
 * folder that is gone is noticed). RFC 8620 §5.1: clients compare them and send them back, no more. Pure.
 */
import { crc32 } from 'node:zlib';
import type { Folder } from '../../../store/model.ts';
import type { MailView } from './mail-view.ts';

export interface MailState {
  readonly modSeq: number;
  readonly content: number;
  /** Checksum of the ids of all mail folders. */
  readonly folders: number;
}

export function stateOf(view: MailView, all: readonly Folder[]): MailState {
  let modSeq = 0;
  let content = 0;
  // Recoverable items count too: what is deleted changes them.
  for (const folder of all) modSeq = Math.max(modSeq, folder.highestModSeq);
  for (const { columns } of view.views.values())
    for (let row = 0; row < columns.length; row += 1) content = Math.max(content, columns.content[row]!);
  const ids = [...view.views.keys()].toSorted((a, b) => a - b);
  return { modSeq, content, folders: crc32(ids.join(',')) };
}

export const stateText = ({ modSeq, content, folders }: MailState): string =>
  `${modSeq}-${content}-${folders.toString(16)}`;

/** Null: not one of ours. */
export function readState(text: string): MailState | null {
  const parts = /^([0-9]{1,16})-([0-9]{1,10})-([0-9a-f]{1,8})$/.exec(text);
  if (parts === null) return null;
  const [, modSeq = '', content = '', folders = ''] = parts;
  return { modSeq: Number(modSeq), content: Number(content), folders: Number.parseInt(folders, 16) };
}
