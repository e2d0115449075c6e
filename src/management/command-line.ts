/**
 * A call of a cmdlet as the line that does the same in the shell, for pages that show it: what a button did can be
 * typed, put into a script, and looked up. Pure.
 */
import { isCommon, isListEdit, matchParameter, type RawArguments } from './binding.ts';
import type { Cmdlet, Parameter, RawArgument, RawScalar } from './cmdlet.ts';

/** Words that need no quotes wherever a value stands. */
const BARE = /^[A-Za-z0-9_\\/:*?[\].+%~@^=-][A-Za-z0-9_\\/:*?[\].+%~@^=<>!$#-]*$/;

export function quoted(text: string): string {
  // A single quotation mark, curly or not, is written twice.
  return `'${text.replaceAll(/['\u2018\u2019\u201a\u201b]/g, '$&$&')}'`;
}

export function printText(text: string): string {
  const bare = BARE.test(text) && !/^-[A-Za-z_?]/.test(text) && !/^[=@]/.test(text);
  return bare ? text : quoted(text);
}

/** Parameters by their full names; secrets without their value, which the shell asks for. @throws Failure CANNOT */
export function commandLine(
  cmdlet: Cmdlet,
  args: RawArguments,
  { whatIf = false, confirm = null }: { readonly whatIf?: boolean; readonly confirm?: boolean | null } = {},
): string {
  const words: string[] = [cmdlet.name];
  const named: string[] = [];
  for (const [name, value] of Object.entries(args)) {
    if (/^[1-9]\d*$/.test(name)) words.push(printArgument(value));
    else {
      const parameter = matchParameter(cmdlet, name);
      named.push(isCommon(parameter) ? printSwitch(parameter.name, value) : printParameter(parameter, value));
    }
  }
  if (whatIf) named.push('-WhatIf');
  if (confirm !== null) named.push(confirm ? '-Confirm' : '-Confirm:$false');
  return [...words, ...named].join(' ');
}

function printParameter(parameter: Parameter<unknown>, value: RawArgument): string {
  if (parameter.secret === true) return `-${parameter.name}`;
  return parameter.isSwitch === true
    ? printSwitch(parameter.name, value)
    : `-${parameter.name} ${printArgument(value)}`;
}

const printSwitch = (name: string, value: RawArgument): string =>
  value === true ? `-${name}` : `-${name}:${printArgument(value)}`;

function printArgument(value: RawArgument): string {
  if (value === null) return '$null';
  if (typeof value !== 'object') return printScalar(value);
  if (!isListEdit(value)) return printList(value);
  const entries = [
    ...(value.add.length > 0 ? [`Add=${printList(value.add)}`] : []),
    ...(value.remove.length > 0 ? [`Remove=${printList(value.remove)}`] : []),
  ];
  return `@{${entries.join('; ')}}`;
}

function printList(items: readonly RawScalar[]): string {
  const [only] = items;
  if (only === undefined) return '@()';
  return items.length === 1 ? printScalar(only) : items.map(printItem).join(',');
}

/** Within a list a comma would end the item. */
const printItem = (item: RawScalar): string => (typeof item === 'string' ? quoted(item) : printScalar(item));

function printScalar(value: RawScalar): string {
  if (typeof value === 'boolean') return value ? '$true' : '$false';
  return typeof value === 'number' ? String(value) : printText(value);
}
