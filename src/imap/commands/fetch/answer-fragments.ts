/**
 * FETCH answers from what was parsed at delivery: ENVELOPE, BODYSTRUCTURE, BODY, PREVIEW, header fields that programs
 * ask for in lists. The wire bytes stand ready; this loop copies them, a batch of messages at a time.
 */
import type { Buffer } from 'node:buffer';
import { commonFieldsLength, writeCommonFields } from '../../../message/fragment.ts';
import type { FragmentPiece } from '../../../message/fragment-pieces.ts';
import type { FragmentBatch, FragmentSlots } from '../../../store/api.ts';
import type { ByteWriter } from '../../../wire/byte-writer.ts';
import type { Session } from '../../session/context.ts';
import type { SelectedView, Targets } from '../../session/selected-view.ts';
import { indexOf, rowOf, Turns } from '../rows.ts';
import { beginAnswer } from './answer-columns.ts';
import { type BodyItem, type FetchPlan, wantedPieces } from './plan.ts';

/** @returns whether a message was gone */
export async function answerFromFragments(
  session: Session,
  view: SelectedView,
  targets: Targets,
  plan: FetchPlan,
): Promise<boolean> {
  const { out } = session;
  const turns = new Turns(session);
  let missing = false;
  const want = wantedPieces(plan, plan.bodies.length > 0);
  for await (const { first, count, bytes, pieces } of session.mailbox.fragments(view.id, targets.uids, want)) {
    const slots = want.map((piece) => slotsOf(pieces, piece));
    const { lengths } = slots[0]!;
    const steps = plan.fragments.map(({ piece, write }) => ({ write, offsets: slotsOf(pieces, piece).offsets }));
    const details = plan.bodies.length > 0 ? slotsOf(pieces, 'details').offsets : lengths;
    for (let i = 0; i < count; i += 1) {
      const index = indexOf(targets, first + i);
      const row = plan.needsRow ? rowOf(view, index) : 0;
      if (lengths[i] === 0 || row < 0) {
        missing = true;
        continue;
      }
      beginAnswer(out, view, index, row, plan.columns);
      for (const { write, offsets } of steps) write(out, bytes, offsets[i]!);
      for (const item of plan.bodies) writeFields(out, item, bytes, details[i]!);
      out.ascii(')\r\n');
    }
    if (turns.isOver && !(await turns.next())) return missing;
  }
  return missing;
}

/** Of a piece that was asked for. */
export function slotsOf(pieces: FragmentBatch['pieces'], piece: FragmentPiece): FragmentSlots {
  const slots = pieces[piece];
  if (slots === null) throw new Error(`the store gave no ${piece} of the parse results`);
  return slots;
}

/** A BODY[HEADER.FIELDS (…)] answer of common fields, with the empty line that ends it (RFC 9051 §6.4.5.1). */
export function writeFields(out: ByteWriter, item: BodyItem, bytes: Buffer, at: number): void {
  const mask = item.commonFields ?? 0;
  out
    .ascii(item.label)
    .byte(0x7b)
    .number(commonFieldsLength(bytes, at, mask) + 2)
    .ascii('}\r\n');
  writeCommonFields(out, bytes, at, mask);
  out.ascii('\r\n');
}
