/** What stages that work on objects have in common: an input, and a plain answer to text where objects are needed. */
import { Failure } from '../../../observe/failure.ts';
import type { CmdletObject } from '../../../management/cmdlet.ts';
import { type Item, Line, Plain, type Stream } from '../items.ts';
import type { LocalCall } from '../local.ts';

/** @throws Failure CANNOT at the beginning of a pipeline */
export function streamOf(call: LocalCall): Stream {
  if (call.input !== null) return call.input;
  throw new Failure('CANNOT', `${call.command.name} needs something to work on: Get-Mailbox | ${call.command.name} …`);
}

/** Objects and values, no text made for people. @throws Failure CANNOT */
export function notText(item: Item, stage: string): CmdletObject | Plain {
  if (!(item instanceof Line)) return item;
  throw new Failure('CANNOT', `${stage} comes too late: what is before it leaves text. Put ${stage} before Format-…`);
}

/** @throws Failure CANNOT when a value has no properties */
export function objectOf(item: Item, stage: string): CmdletObject {
  const thing = notText(item, stage);
  return thing instanceof Plain ? { Value: thing.cell } : thing;
}
