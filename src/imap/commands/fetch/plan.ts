/**
 * Compiles the items of a FETCH once into what has to be done per message (RFC 9051 §6.4.5, §7.5.2): steps that read
 * columns, ready wire bytes copied from fragments, sections cut from bodies. The answer loops then ask nothing twice.
 */
import type { Buffer } from 'node:buffer';
import { ProtocolViolation, unreachable } from '../../../observe/failure.ts';
import {
  commonFieldMask,
  readPreview,
  SECTION,
  type Section as FragmentSection,
  sectionEnd,
  sectionStart,
} from '../../../message/fragment.ts';
import { type FragmentPiece, pieceOf } from '../../../message/fragment-pieces.ts';
import type { ByteWriter } from '../../../wire/byte-writer.ts';
import type { FetchItem, Partial, PlainFetchItem, Section } from '../../grammar/ast.ts';
import { fetchLabel } from '../../grammar/fetch-item.ts';
import { writeString } from '../../grammar/write-response.ts';
import { FlagText } from '../../session/flag-text.ts';
import type { SelectedView } from '../../session/selected-view.ts';
import { DateTimeText } from './date-time-text.ts';

/** Writes one item from the columns, with what stands before it. */
export type ColumnStep = (out: ByteWriter, view: SelectedView, index: number, row: number) => void;
/** Writes one item from a piece of the parse result, which stands at `at`, with what stands before it. */
export interface FragmentStep {
  readonly piece: FragmentPiece;
  readonly write: (out: ByteWriter, bytes: Buffer, at: number) => void;
}

export interface BodyItem {
  /** ` BODY[1]<0> `, with what stands before it. */
  readonly label: string;
  readonly section: Section;
  readonly partial: Partial | null;
  /** Common fields that the fragment answers without opening the message; null when the message is needed. */
  readonly commonFields: number | null;
  /** BODY[] or RFC822 without partial. */
  readonly isWhole: boolean;
}

/**
 * An answer is `* 7`, the items in this order, `)`; the first item brings ` FETCH (` along, and the last one of an
 * answer of columns alone its end.
 */
export interface FetchPlan {
  readonly columns: readonly ColumnStep[];
  /** Some step reads the row: a message without one cannot be answered. */
  readonly needsRow: boolean;
  readonly fragments: readonly FragmentStep[];
  readonly bodies: readonly BodyItem[];
  readonly level: 'columns' | 'fragments' | 'bodies';
  /** Fetching these items sets \Seen. */
  readonly setsSeen: boolean;
  readonly asksFlags: boolean;
  readonly asksModSeq: boolean;
}

const WHOLE: Section = { part: [], text: 'ALL', fields: [] };
const HEADER: Section = { part: [], text: 'HEADER', fields: [] };
const TEXT: Section = { part: [], text: 'TEXT', fields: [] };

const FIRST = ' FETCH (';
/** Ends an answer of columns alone; others end with it after their last item. */
const END = ')\r\n';

/**
 * @param uid UID FETCH: every answer carries the UID (RFC 9051 §6.4.9)
 * @param modSeq CHANGEDSINCE was given: every answer carries MODSEQ (RFC 7162 §3.1.4.1)
 * @throws ProtocolViolation for items of extensions that are not offered
 */
export function compileFetch(items: readonly FetchItem[], uid: boolean, modSeq: boolean): FetchPlan {
  const names = new Set<FetchItem['item']>(items.map((item) => item.item));
  if (uid) names.add('UID');
  if (modSeq) names.add('MODSEQ');
  let first = true;
  const before = (): string => {
    const text = first ? FIRST : ' ';
    first = false;
    return text;
  };
  const wanted = COLUMNS.filter(([name]) => names.has(name));
  const more = names.has('PREVIEW') || sectionRuns(names).length > 0 || items.some(readsMessage);
  const columns = wanted.map(([, step], i) => step(before(), !more && i === wanted.length - 1 ? END : ''));
  const needsRow = COLUMNS.some(([name]) => name !== 'UID' && names.has(name));
  const fragments = sectionRuns(names).map((run) => copySections(before(), run));
  if (names.has('PREVIEW')) fragments.push(previewStep(before()));
  const bodies = items.map((item) => bodyItem(item, before)).filter((item) => item !== null);
  const messages = bodies.some((body) => body.commonFields === null);
  return {
    columns,
    needsRow,
    fragments,
    bodies,
    level: messages ? 'bodies' : fragments.length + bodies.length > 0 ? 'fragments' : 'columns',
    setsSeen: items.some(setsSeen),
    asksFlags: names.has('FLAGS'),
    asksModSeq: names.has('MODSEQ'),
  };
}

/** Items answered from the columns, in the order of the answer. `behind` is the end of the answer, or nothing. */
const COLUMNS: ReadonlyArray<readonly [PlainFetchItem, (before: string, behind: string) => ColumnStep]> = [
  [
    'UID',
    (before, behind) => {
      const label = `${before}UID `;
      return (out, view, index) => {
        out.ascii(label).number(view.uidAt(index));
        if (behind !== '') out.ascii(behind);
      };
    },
  ],
  [
    'FLAGS',
    (before, behind) => {
      const text = new FlagText(before, behind);
      return (out, view, index, row) => text.write(out, view.store, row, view.isRecent(view.uidAt(index)));
    },
  ],
  ['INTERNALDATE', (before, behind) => dateStep(`${before}INTERNALDATE `, 'internalDate', behind)],
  ['RFC822.SIZE', (before, behind) => numberStep(`${before}RFC822.SIZE `, 'size', behind)],
  ['MODSEQ', (before, behind) => numberStep(`${before}MODSEQ (`, 'modSeq', `)${behind}`)],
  ['SAVEDATE', (before, behind) => dateStep(`${before}SAVEDATE `, 'saveDate', behind)],
  // RFC 8474 §5.1, §5.2: letters keep the two kinds of id apart.
  ['EMAILID', (before, behind) => numberStep(`${before}EMAILID (M`, 'content', `)${behind}`)],
  ['THREADID', (before, behind) => numberStep(`${before}THREADID (T`, 'thread', `)${behind}`)],
];

function numberStep(label: string, column: 'size' | 'modSeq' | 'content' | 'thread', behind: string): ColumnStep {
  return (out, view, _, row) => {
    out.ascii(label).number(view.store.columns[column][row] ?? 0);
    if (behind !== '') out.ascii(behind);
  };
}

function dateStep(label: string, column: 'internalDate' | 'saveDate', behind: string): ColumnStep {
  const text = new DateTimeText(label, behind);
  return (out, view, _, row) => text.write(out, view.store.columns[column][row] ?? 0);
}

/** Neighbouring sections that leave in one copy. */
interface SectionRun {
  readonly from: FragmentSection;
  readonly to: FragmentSection;
}

/** ENVELOPE and BODYSTRUCTURE stand side by side in their piece. */
function sectionRuns(names: ReadonlySet<string>): SectionRun[] {
  const runs: SectionRun[] = [];
  for (const [name, section] of [
    ['ENVELOPE', SECTION.envelope],
    ['BODYSTRUCTURE', SECTION.bodyStructure],
    ['BODY', SECTION.body],
  ] as const) {
    if (!names.has(name)) continue;
    const last = runs[runs.length - 1];
    const isNext = last !== undefined && last.to === section - 1 && pieceOf(last.to) === pieceOf(section);
    if (isNext) runs[runs.length - 1] = { from: last.from, to: section };
    else runs.push({ from: section, to: section });
  }
  return runs;
}

/** A section's bytes begin with a space, which the first item of an answer does without. */
function copySections(before: string, { from, to }: SectionRun): FragmentStep {
  const piece = pieceOf(from);
  if (before === ' ') {
    return {
      piece,
      write: (out, bytes, at) => out.range(bytes, sectionStart(bytes, at, from), sectionEnd(bytes, at, to)),
    };
  }
  return {
    piece,
    write: (out, bytes, at) =>
      out.ascii(before).range(bytes, sectionStart(bytes, at, from) + 1, sectionEnd(bytes, at, to)),
  };
}

function previewStep(before: string): FragmentStep {
  const label = `${before}PREVIEW `;
  return {
    piece: pieceOf(SECTION.preview),
    write: (out, bytes, at) => writeString(out.ascii(label), readPreview(bytes, at)),
  };
}

/** Pieces of the parse result that the steps read, and the details when header fields or sections are asked for. */
export function wantedPieces(plan: Pick<FetchPlan, 'fragments'>, details: boolean): readonly FragmentPiece[] {
  const wanted = new Set(plan.fragments.map(({ piece }) => piece));
  if (details) wanted.add('details');
  return [...wanted];
}

function bodyItem(item: FetchItem, before: () => string): BodyItem | null {
  const of = (section: Section, partial: Partial | null): BodyItem => ({
    label: `${before()}${fetchLabel(item)} `,
    section,
    partial,
    commonFields:
      section.part.length === 0 && section.text === 'HEADER.FIELDS' && partial === null
        ? commonFieldMask(section.fields)
        : null,
    isWhole: section.part.length === 0 && section.text === 'ALL' && partial === null,
  });
  switch (item.item) {
    case 'BODY[]':
      return of(item.section, item.partial);
    case 'RFC822':
      return of(WHOLE, null);
    case 'RFC822.HEADER':
      return of(HEADER, null);
    case 'RFC822.TEXT':
      return of(TEXT, null);
    case 'BINARY[]':
    case 'BINARY.SIZE[]':
      throw new ProtocolViolation('FETCH: BINARY is not offered by this server');
    case 'BODY':
    case 'BODYSTRUCTURE':
    case 'EMAILID':
    case 'ENVELOPE':
    case 'FLAGS':
    case 'INTERNALDATE':
    case 'MODSEQ':
    case 'PREVIEW':
    case 'RFC822.SIZE':
    case 'SAVEDATE':
    case 'THREADID':
    case 'UID':
      return null;
    default:
      return unreachable(item);
  }
}

function readsMessage(item: FetchItem): boolean {
  switch (item.item) {
    case 'BODY[]':
    case 'BINARY[]':
    case 'BINARY.SIZE[]':
    case 'RFC822':
    case 'RFC822.HEADER':
    case 'RFC822.TEXT':
      return true;
    default:
      return false;
  }
}

/** RFC 9051 §6.4.5 BODY[], RFC 3501 §6.4.5 RFC822 and RFC822.TEXT; RFC822.HEADER does not. */
function setsSeen(item: FetchItem): boolean {
  return (item.item === 'BODY[]' && !item.peek) || item.item === 'RFC822' || item.item === 'RFC822.TEXT';
}
