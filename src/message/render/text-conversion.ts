/** A body in another form: which reader, which writer (rich-text.ts). */
import type { Buffer } from 'node:buffer';
import { unreachable } from '../../observe/failure.ts';
import type { Entity } from '../entity.ts';
import { parameter } from '../parameters.ts';
import { type BodyKind, bodyKind, leafText } from './body-leaves.ts';
import { readEnriched } from './enriched-reader.ts';
import { readHtml } from './html-reader.ts';
import { type Flow, readPlain } from './plain-reader.ts';
import { EnrichedWriter, HtmlWriter, PlainWriter, type RichWriter } from './rich-writers.ts';

/** Text of `leaves`, one behind the other, in the form asked for. */
export function convertText(bytes: Buffer, leaves: readonly Entity[], to: BodyKind): string {
  const writer = writerFor(to);
  for (const [i, leaf] of leaves.entries()) {
    if (i > 0) writer.newLine(2);
    const text = leafText(bytes, leaf);
    const kind = bodyKind(leaf);
    if (kind === 'html') readHtml(text, writer);
    else if (kind === 'enriched')
      readEnriched(text, leaf.header.subtype === 'richtext' ? 'richtext' : 'enriched', writer);
    else readPlain(text, flowOf(leaf), writer);
  }
  return writer.finish();
}

function writerFor(kind: BodyKind): RichWriter {
  switch (kind) {
    case 'plain':
      return new PlainWriter();
    case 'html':
      return new HtmlWriter();
    case 'enriched':
      return new EnrichedWriter();
    default:
      return unreachable(kind);
  }
}

function flowOf(leaf: Entity): Flow | null {
  const { parameters } = leaf.header;
  if (parameter(parameters, 'format')?.toLowerCase() !== 'flowed') return null;
  return { deleteSpace: parameter(parameters, 'delsp')?.toLowerCase() === 'yes' };
}
