/** The text a client searches for, folded like the texts it is looked for in (message/fold.ts). */
import { Buffer } from 'node:buffer';
import { foldText } from '../../message/fold.ts';

export function foldNeedle(text: string): Buffer {
  return Buffer.from(foldText(text), 'utf8');
}
