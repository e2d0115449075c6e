/**
 * SUBJECT, FROM, TO, CC and BCC (RFC 9051 §6.4.4), answered from the decoded, folded search text in the fragments:
 * one native scan over each batch, and for each hit a look whether it lies in the right field.
 */
import type { Buffer } from 'node:buffer';
import { readSearchText, type SearchField } from '../../message/fragment.ts';
import { Probe } from './probe.ts';
import { scan } from './scan.ts';
import type { SearchRun } from './search-run.ts';
import { type Selection, SelectionBuilder, pick } from './selection.ts';

/** `name` in lower case. */
export function isFragmentField(name: string): name is SearchField {
  return name === 'subject' || name === 'from' || name === 'to' || name === 'cc' || name === 'bcc';
}

/** `needle` is not empty. */
export async function selectByFragment(
  run: SearchRun,
  field: SearchField,
  needle: Buffer,
  selection: Selection,
): Promise<Selection> {
  const uids = pick(run.candidates.uids, selection);
  const probe = new Probe(needle);
  const found = new SelectionBuilder(selection.length);
  for await (const batch of run.source.fragments(uids, 'search')) {
    await scan(batch, probe, run.slice, (entry, at, entryEnd) => {
      const { start, end } = readSearchText(batch.bytes, batch.offsets[entry]!, field);
      /* A hit in the head or another field: go on where the right one begins. At most two hits an entry. */
      if (at < start) return start;
      if (at + needle.length <= end) found.add(selection[batch.first + entry]!);
      return entryEnd;
    });
  }
  return found.take();
}
