/**
 * Fuzz target: the IMAP command parser on mutated commands. Any bytes give a command or a refusal with a tag; what was
 * accepted can be printed, and what was printed parses to the same again.
 */
import assert from 'node:assert/strict';
import type { Buffer } from 'node:buffer';
import * as fc from 'fast-check';
import { messageLiteralExpected } from '../src/imap/grammar/append-prefix.ts';
import type { Literal } from '../src/imap/grammar/ast.ts';
import { literalAt } from '../src/imap/grammar/literal.ts';
import { parseCommand } from '../src/imap/grammar/parse-command.ts';
import { printCommand } from '../src/imap/grammar/print-command.ts';
import { ProtocolViolation } from '../src/observe/failure.ts';
import { anyCommand } from './imap-any-command.ts';

export const name = 'imap-command';

export function seeds(): Buffer[] {
  return fc.sample(anyCommand, { numRuns: 300, seed: 1 }).map((command) => printCommand(command));
}

export function run(input: Buffer): void {
  const parts = split(input);
  for (const utf8 of [false, true]) {
    const command = parseCommand(parts, utf8);
    assert.ok(command.tag.length > 0);
    if (command.name === 'REFUSED') continue;
    const printed = printCommand(command, utf8);
    const again = parseCommand(split(printed), utf8);
    // Search text may come from another charset, and fields of ID may hold bytes that are no UTF-8: one more round
    // must then be stable.
    assert.deepEqual(printCommand(again.name === 'REFUSED' ? assert.fail(String(again.error)) : again, utf8), printed);
  }
}

/** As the reader does it, with every literal inline. */
function split(input: Buffer): Array<Buffer | Literal> {
  const parts: Array<Buffer | Literal> = [];
  let rest = input;
  for (let literals = 0; ; literals += 1) {
    const end = rest.indexOf(10);
    const line = end < 0 ? rest : rest.subarray(0, rest[end - 1] === 13 ? end - 1 : end);
    const announced = end < 0 || literals > 64 ? null : literalAt(line);
    if (announced === null) {
      parts.push(line);
      return parts;
    }
    const text = line.subarray(0, line.length - announced.width);
    parts.push(text);
    try {
      messageLiteralExpected(parts, announced, false);
    } catch (error) {
      if (!(error instanceof ProtocolViolation)) throw error;
    }
    rest = rest.subarray(end + 1);
    parts.push({ literal: rest.subarray(0, announced.size), binary: announced.binary });
    rest = rest.subarray(Math.min(announced.size, rest.length));
  }
}
