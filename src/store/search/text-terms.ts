/**
 * Search terms answered by scanning folded texts: BODY, TEXT, and fields that fragments do not hold. Exact substrings
 * as RFC 9051 §6.4.4 asks. Messages without text yet are extracted during the search, so every answer is complete.
 */
import { Buffer } from 'node:buffer';
import { Probe } from './probe.ts';
import { type Packed, scan } from './scan.ts';
import type { SearchRun } from './search-run.ts';
import { type Selection, SelectionBuilder, join, pick } from './selection.ts';
import { NOT_INDEXED, type TextKind } from './source.ts';
import { FIELD_MARK, FIELD_VALUE_MARK } from './text-entry.ts';
import { makeTexts } from './missing-texts.ts';

/** Tells which entries of a batch match, ascending. */
type Match = (batch: Packed, found: (entry: number) => void) => Promise<void>;

export async function selectByText(
  run: SearchRun,
  kind: TextKind,
  needle: Buffer,
  selection: Selection,
): Promise<Selection> {
  if (needle.length === 0 || selection.length === 0) return selection;
  const probe = new Probe(needle);
  return select(run, kind, selection, (batch, found) =>
    scan(batch, probe, run.slice, (entry, _at, end) => {
      found(entry);
      return end;
    }),
  );
}

/** `name` in lower case. An empty needle asks whether the field is there at all. */
export async function selectByHeaderField(
  run: SearchRun,
  name: string,
  needle: Buffer,
  selection: Selection,
): Promise<Selection> {
  const start = Buffer.from(`${FIELD_MARK}${name}${FIELD_VALUE_MARK}`);
  const probe = new Probe(start);
  return select(run, 'header', selection, (batch, found) =>
    /* The name first: a field stands once or twice in a message, its text may stand in every field. */
    scan(batch, probe, run.slice, (entry, at, end) => {
      const valueStart = at + start.length;
      const next = batch.bytes.indexOf(FIELD_MARK, valueStart);
      const valueEnd = next < 0 || next > end ? end : next;
      if (needle.length > 0 && !batch.bytes.subarray(valueStart, valueEnd).includes(needle)) return valueEnd;
      found(entry);
      return end;
    }),
  );
}

async function select(run: SearchRun, kind: TextKind, selection: Selection, match: Match): Promise<Selection> {
  const uids = pick(run.candidates.uids, selection);
  const found = new SelectionBuilder(selection.length);
  const missing = new SelectionBuilder(selection.length);
  for await (const batch of run.source.texts(kind, uids)) {
    for (let entry = 0; entry < batch.count; entry += 1) {
      if (batch.lengths[entry] === NOT_INDEXED) missing.add(selection[batch.first + entry]!);
    }
    await match(batch, (entry) => found.add(selection[batch.first + entry]!));
  }
  const left = missing.take();
  if (left.length === 0) return found.take();
  const foundLate = new SelectionBuilder(left.length);
  for await (const made of makeTexts(run.source, run.candidates, left)) {
    await match(made[kind], (entry) => foundLate.add(left[made.first + entry]!));
  }
  return join(found.take(), foundLate.take());
}
