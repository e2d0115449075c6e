/**
 * Fuzz target: lines of the admin shell. A line gives statements or a mistake with a place in the line; what was read
 * is printed and read as the same; conditions and words in braces keep the same promise.
 */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import type { Statement, Value } from '../src/cli/shell/grammar/ast.ts';
import { blockWords, parse } from '../src/cli/shell/grammar/parser.ts';
import { parsePredicate } from '../src/cli/shell/grammar/predicate.ts';
import { printStatement } from '../src/cli/shell/grammar/printer.ts';
import { ShellSyntaxError } from '../src/cli/shell/grammar/syntax-error.ts';

export const name = 'shell';

export function seeds(): Buffer[] {
  return [
    'Set-POPSettings -ExternalConnectionSetting {Dublin01.Contoso.com:995:SSL}',
    'Set-ReceiveConnector "Client Frontend <Server Name>" -AdvertiseClientSettings $True -FQDN Dublin01.Contoso.com',
    'Set-ImapSettings -SSLBindings @{Add="[::]:993","0.0.0.0:993"; Remove=\'127.0.0.1:993\'} -WhatIf:$false',
    'Get-Mailbox | where { $_.Name -like "a*" -and -not ($_.Size -gt 1GB -or !$_.Enabled) } | fl Name, *Size*',
    '$x = Get-Mailbox ada; $x.Name; @(1;2;"a $x ${y}b") | select -First 2 # comment',
    "New-Mailbox a -Password (ConvertTo-SecureString 'it''s' -AsPlainText -Force).Value `\n  -Name “Ada”",
  ].map((seed) => Buffer.from(seed));
}

export function run(input: Buffer): void {
  const line = input.toString('utf8');
  const statements = orMistake(line.length, () => parse(line));
  if (statements === null) return;
  const printed = statements.map(printStatement).join('\n');
  assert.deepEqual(parse(printed).map(printStatement).join('\n'), printed);
  for (const statement of statements) for (const value of values(statement)) readBraces(value, line.length);
}

function orMistake<T>(length: number, read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ShellSyntaxError)) throw error;
    assert.ok(error.at >= 0 && error.at <= length);
    return null;
  }
}

function readBraces(value: Value, length: number): void {
  if (value.kind !== 'block') return;
  orMistake(length, () => blockWords(value));
  orMistake(length, () => parsePredicate(value));
}

function* values(statement: Statement): Iterable<Value> {
  for (const stage of statement.pipeline.stages) {
    if (stage.kind === 'expression') yield stage.value;
    else for (const one of stage.arguments) if (one.kind !== 'parameter') yield one;
  }
}
