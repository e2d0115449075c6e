/**
 * Changes as bytes of the log (record.ts). The number of a kind and the order of its fields are the file format:
 * add at the end, never reorder.
 */
import { unreachable } from '../../observe/failure.ts';
import type { Change } from '../mailbox/change.ts';
import { LINE_END, type LineEnd } from '../mailbox/columns.ts';
import { type FragmentPlaces, NO_FRAGMENT } from '../mailbox/fragment-places.ts';
import { FOLDER_KINDS, SPECIAL_USES, type SpecialUse } from '../model.ts';
import type { ByteDecoder, ByteEncoder } from '../mailbox/byte-codec.ts';

const KINDS: readonly Change['kind'][] = [
  'append',
  'flags',
  'copy',
  'move',
  'expunge',
  'create-folder',
  'change-folder',
  'remove-folder',
  'subscribe',
  'recent',
  'raise',
  'relocate',
];
const OPS = ['add', 'remove', 'replace'] as const;
const LINE_ENDS = [LINE_END.unknown, LINE_END.present, LINE_END.missing] as const;
const USES: readonly (SpecialUse | null)[] = [null, ...SPECIAL_USES];

export function encodeChange(change: Change, out: ByteEncoder): void {
  out.byte(KINDS.indexOf(change.kind));
  switch (change.kind) {
    case 'append':
      out.number(change.folder);
      out.number(change.uid);
      out.number(change.modSeq);
      out.byte(change.flags);
      out.u32(change.keywordsLow);
      out.u32(change.keywordsHigh);
      out.texts(change.newKeywords);
      out.float(change.internalDate);
      out.float(change.saveDate);
      out.float(change.sentDate);
      out.float(change.sentDay);
      out.number(change.size);
      out.number(change.content);
      out.number(change.thread);
      out.numbers(change.threadKeys);
      out.text(change.uidl ?? '');
      out.number(change.detailsOffset);
      out.number(change.detailsLength);
      out.byte(change.lineEnd);
      out.number(change.listOffset);
      out.number(change.listLength);
      out.number(change.searchOffset);
      out.number(change.searchLength);
      return;
    case 'flags':
      out.number(change.folder);
      out.number(change.modSeq);
      out.byte(OPS.indexOf(change.op));
      out.byte(change.flags);
      out.u32(change.keywordsLow);
      out.u32(change.keywordsHigh);
      out.texts(change.newKeywords);
      out.uids(change.uids);
      return;
    case 'copy':
    case 'move':
      out.number(change.folder);
      out.number(change.to);
      out.number(change.modSeq);
      out.uids(change.uids);
      out.number(change.firstUid);
      out.float(change.saveDate);
      out.texts(change.newKeywords);
      return;
    case 'expunge':
      out.number(change.folder);
      out.number(change.modSeq);
      out.uids(change.uids);
      return;
    case 'create-folder':
      out.number(change.folder);
      out.number(change.modSeq);
      out.text(change.name);
      out.byte(FOLDER_KINDS.indexOf(change.folderKind));
      out.byte(USES.indexOf(change.specialUse));
      out.number(change.uidValidity);
      out.byte(change.hidden ? 1 : 0);
      return;
    case 'change-folder':
      out.number(change.folder);
      out.number(change.modSeq);
      out.text(change.name);
      out.byte(USES.indexOf(change.specialUse));
      out.byte(change.hidden ? 1 : 0);
      return;
    case 'remove-folder':
      out.number(change.folder);
      out.number(change.modSeq);
      return;
    case 'subscribe':
      out.text(change.name);
      out.byte(change.subscribed ? 1 : 0);
      return;
    case 'recent':
      out.number(change.folder);
      out.number(change.firstRecentUid);
      return;
    case 'raise':
      out.number(change.modSeq);
      out.byte(change.touch ? 1 : 0);
      return;
    case 'relocate':
      out.number(change.segment);
      out.numbers(change.contents);
      out.numbers(change.offsets);
      return;
    default:
      unreachable(change);
  }
}

/** @throws RangeError for bytes that are no change of this version */
export function decodeChange(bytes: ByteDecoder): Change {
  const kind = known(KINDS, bytes.byte());
  switch (kind) {
    case 'append':
      return decodeAppend(bytes);
    case 'flags':
      return {
        kind,
        folder: bytes.number(),
        modSeq: bytes.number(),
        op: known(OPS, bytes.byte()),
        flags: bytes.byte(),
        keywordsLow: bytes.u32(),
        keywordsHigh: bytes.u32(),
        newKeywords: bytes.texts(),
        uids: bytes.uids(),
      };
    case 'copy':
    case 'move':
      return {
        kind,
        folder: bytes.number(),
        to: bytes.number(),
        modSeq: bytes.number(),
        uids: bytes.uids(),
        firstUid: bytes.number(),
        saveDate: bytes.float(),
        newKeywords: bytes.texts(),
      };
    case 'expunge':
      return { kind, folder: bytes.number(), modSeq: bytes.number(), uids: bytes.uids() };
    case 'create-folder':
      return {
        kind,
        folder: bytes.number(),
        modSeq: bytes.number(),
        name: bytes.text(),
        folderKind: known(FOLDER_KINDS, bytes.byte()),
        specialUse: known(USES, bytes.byte()),
        uidValidity: bytes.number(),
        hidden: bytes.byte() === 1,
      };
    case 'change-folder':
      return {
        kind,
        folder: bytes.number(),
        modSeq: bytes.number(),
        name: bytes.text(),
        specialUse: known(USES, bytes.byte()),
        hidden: bytes.byte() === 1,
      };
    case 'remove-folder':
      return { kind, folder: bytes.number(), modSeq: bytes.number() };
    case 'subscribe':
      return { kind, name: bytes.text(), subscribed: bytes.byte() === 1 };
    case 'recent':
      return { kind, folder: bytes.number(), firstRecentUid: bytes.number() };
    case 'raise':
      return { kind, modSeq: bytes.number(), touch: bytes.byte() === 1 };
    case 'relocate':
      return {
        kind,
        segment: bytes.number(),
        contents: Uint32Array.from(bytes.numbers()),
        offsets: Uint32Array.from(bytes.numbers()),
      };
    default:
      return unreachable(kind);
  }
}

function decodeAppend(bytes: ByteDecoder): Change {
  return {
    kind: 'append',
    folder: bytes.number(),
    uid: bytes.number(),
    modSeq: bytes.number(),
    flags: bytes.byte(),
    keywordsLow: bytes.u32(),
    keywordsHigh: bytes.u32(),
    newKeywords: bytes.texts(),
    internalDate: bytes.float(),
    saveDate: bytes.float(),
    sentDate: bytes.float(),
    sentDay: bytes.float(),
    size: bytes.number(),
    content: bytes.number(),
    thread: bytes.number(),
    threadKeys: bytes.numbers(),
    uidl: bytes.text() || null,
    ...decodeSince2(bytes),
  };
}

/** Records of the first format end with offset and length in its only fragment file, which is no more. */
function decodeSince2(bytes: ByteDecoder): FragmentPlaces & { readonly lineEnd: LineEnd } {
  const detailsOffset = bytes.number();
  const detailsLength = bytes.number();
  if (!bytes.hasMore) return { ...NO_FRAGMENT, lineEnd: LINE_END.unknown };
  return {
    detailsOffset,
    detailsLength,
    lineEnd: known(LINE_ENDS, bytes.byte()),
    listOffset: bytes.number(),
    listLength: bytes.number(),
    searchOffset: bytes.number(),
    searchLength: bytes.number(),
  };
}

function known<T>(names: readonly T[], index: number): T {
  const name = names[index];
  if (name === undefined) throw new RangeError(`unknown code ${index} in the log`);
  return name;
}
