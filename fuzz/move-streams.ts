/**
 * Fuzz target: what the source of a move sends, as frames and as the state of a mailbox, on any bytes: read to its end
 * or refused with a Failure; memory stays in proportion to what came.
 */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { encodeEnd, encodeFrame, FrameReader } from '../src/backend/moves/frames.ts';
import { Failure } from '../src/observe/failure.ts';
import { MemoryStorage } from '../src/store/engine/memory/memory-storage.ts';
import { Columns } from '../src/store/mailbox/columns.ts';
import { ImageReader, writeImage } from '../src/store/mailbox/mailbox-image.ts';
import { MailboxState } from '../src/store/mailbox/mailbox-state.ts';

export const name = 'move-streams';

export function seeds(): Buffer[] {
  const sha256 = Buffer.alloc(32, 7);
  const frames = Buffer.concat([
    encodeFrame({ kind: 'rest', contents: 2, bytes: 500 }),
    encodeFrame({ kind: 'whole', content: 1, sha256, bytes: Buffer.from('Subject: x\r\n\r\n') }),
    encodeFrame({ kind: 'begin', content: 300, size: 4 }),
    encodeFrame({ kind: 'piece', bytes: Buffer.from('abcd') }),
    encodeFrame({ kind: 'end', sha256 }),
    encodeFrame({ kind: 'keys', keys: [{ key: 9_007_199_254_740_991, thread: 1 }] }),
    encodeEnd(),
  ]);
  return [frames, Buffer.concat([...writeImage(aState())])];
}

function aState(): MailboxState {
  const nothing = { counters: null, folders: [], subscriptions: [], formerFolders: new Map<number, string>() };
  const state = new MailboxState(new MemoryStorage(), nothing);
  state.replace({
    counters: { highestModSeq: 9, nextFolder: 3, nextContent: 4, nextThread: 5, lastUidValidity: 6 },
    subscriptions: ['INBOX', 'Größe'],
    formerFolders: new Map([[2, 'Gone']]),
    digest: '',
    folders: [
      {
        facts: {
          id: 1,
          name: 'INBOX',
          kind: 'mail',
          specialUse: 'inbox',
          hidden: false,
          uidValidity: 1,
          uidNext: 9,
          highestModSeq: 9,
          exists: 0,
          unseen: 0,
          deleted: 0,
          bytes: 0,
          keywords: ['$a'],
          firstRecentUid: 1,
          modSeqFloor: 0,
          expungeFloor: 0,
        },
        columns: new Columns(),
        uidls: new Map([[3, 'uidl']]),
        expungeLog: [{ modSeq: 8, uids: Uint32Array.of(1, 2, 7) }],
      },
    ],
  });
  return state;
}

export function run(input: Buffer): void {
  refusedOrRead(() => {
    const reader = new FrameReader();
    let octets = 0;
    for (const frame of reader.push(input)) {
      if ('bytes' in frame && Buffer.isBuffer(frame.bytes)) octets += frame.bytes.length;
      if (frame.kind === 'keys') octets += frame.keys.length;
    }
    assert.ok(octets <= input.length);
  });
  refusedOrRead(() => {
    const reader = new ImageReader();
    reader.push(input);
    reader.end();
  });
}

function refusedOrRead(read: () => void): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
  }
}
