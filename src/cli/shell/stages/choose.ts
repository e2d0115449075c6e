/** Select-Object and Where-Object: which objects, which properties. */
import { Failure } from '../../../observe/failure.ts';
import type { Cell, CmdletObject } from '../../../management/cmdlet.ts';
import { fulfils, outerValues } from '../condition.ts';
import { rawText } from '../cell-text.ts';
import type { Value } from '../grammar/ast.ts';
import { type Predicate, parsePredicate, simplePredicate } from '../grammar/predicate.ts';
import { type Item, namesMeant, Plain, property, type Stream } from '../items.ts';
import { type LocalCall, type LocalCmdlet, localHelp } from '../local.ts';
import { notText, objectOf, streamOf } from './through.ts';

const selectObject: LocalCmdlet = {
  begins: false,
  help: localHelp({
    name: 'Select-Object',
    aliases: ['select'],
    synopsis: 'Takes some of the objects, or some of their properties.',
    description: 'Calculated properties (@{n=…;e={…}}) are not there.',
    parameters: [
      { name: 'Property', kind: 'String[]', position: 1, help: 'Only these; * stands for any text.' },
      { name: 'ExcludeProperty', kind: 'String[]', help: 'All but these.' },
      { name: 'ExpandProperty', help: 'The values of this one property alone; each value of a list on its own.' },
      { name: 'First', kind: 'Int32', help: 'So many from the beginning; the cmdlet before then stops.' },
      { name: 'Last', kind: 'Int32', help: 'So many from the end.' },
      { name: 'Skip', kind: 'Int32', help: 'Not the first so many.' },
      { name: 'Unique', kind: 'SwitchParameter', help: 'Each one once.' },
    ],
    examples: [
      { line: 'Get-Mailbox | Select-Object -First 3', says: 'The first three.' },
      { line: 'Get-Mailbox | select Name,PrimarySmtpAddress', says: 'Two properties.' },
      { line: 'Get-PopSettings | select -ExpandProperty SSLBindings', says: 'One line for each binding.' },
    ],
  }),
  run: (call) => {
    const stream = streamOf(call);
    const { args } = call;
    const properties = args.list('Property');
    const excluded = args.list('ExcludeProperty');
    const expand = args.text('ExpandProperty');
    let items = chosen(stream.items, args.number('First', 0), args.number('Last', 0), args.number('Skip', 0) ?? 0);
    if (expand !== null) items = expanded(items, expand);
    else if (properties !== null || excluded !== null) items = narrowed(items, properties ?? ['*'], excluded ?? []);
    if (args.on('Unique')) items = unique(items);
    return { items, columns: properties === null && excluded === null && expand === null ? stream.columns : null };
  },
};

async function* chosen(
  items: AsyncIterable<Item>,
  first: number | null,
  last: number | null,
  skip: number,
): AsyncGenerator<Item> {
  if (first === 0) return;
  const tail: Item[] = [];
  let seen = 0;
  let given = 0;
  for await (const item of items) {
    seen += 1;
    if (seen <= skip) continue;
    if (first !== null) {
      yield item;
      given += 1;
      if (given === first) return;
    } else if (last !== null) {
      tail.push(item);
      if (tail.length > last) tail.shift();
    } else yield item;
  }
  yield* tail;
}

async function* expanded(items: AsyncIterable<Item>, name: string): AsyncGenerator<Item> {
  for await (const item of items) {
    const object = objectOf(item, 'Select-Object');
    const cell = property(object, name);
    if (cell === undefined) throw noProperty(object, name);
    if (Array.isArray(cell)) for (const one of cell) yield new Plain(one);
    else yield new Plain(cell);
  }
}

export function noProperty(object: CmdletObject, name: string): Failure {
  return new Failure('CANNOT', `there is no property ${name}; there are ${Object.keys(object).join(', ')}`);
}

async function* narrowed(
  items: AsyncIterable<Item>,
  wanted: readonly string[],
  excluded: readonly string[],
): AsyncGenerator<Item> {
  for await (const item of items) {
    const object = objectOf(item, 'Select-Object');
    const less = new Set(namesMeant(object, excluded));
    const cells: Record<string, Cell> = {};
    for (const name of namesMeant(object, wanted)) if (!less.has(name)) cells[name] = property(object, name) ?? null;
    yield cells;
  }
}

async function* unique(items: AsyncIterable<Item>): AsyncGenerator<Item> {
  const seen = new Set<string>();
  for await (const item of items) {
    const thing = notText(item, 'Select-Object');
    const key = thing instanceof Plain ? rawText(thing.cell) : JSON.stringify(thing);
    if (seen.has(key)) continue;
    seen.add(key);
    yield item;
  }
}

const whereObject: LocalCmdlet = {
  begins: false,
  readsItself: true,
  help: localHelp({
    name: 'Where-Object',
    aliases: ['where', '?'],
    synopsis: 'Lets through the objects that fulfil a condition.',
    description:
      'Operators: -eq -ne -gt -ge -lt -le -like -notlike -match -notmatch -contains -notcontains -in -notin, joined by ' +
      '-and, -or (read from the left, with the same rank), -not and brackets. Sizes compare by value: $_.TotalItemSize -gt 1GB.',
    parameters: [
      { name: 'FilterScript', kind: 'ScriptBlock', position: 1, help: 'The condition; $_ is the object at hand.' },
    ],
    examples: [
      { line: 'Get-Mailbox | Where-Object { $_.Name -like "a*" }', says: 'Names that begin with a.' },
      { line: 'Get-Service | where Status -eq Running', says: 'One comparison needs no braces.' },
    ],
  }),
  run: async (call) => {
    const stream = streamOf(call);
    const predicate = conditionOf(call);
    const values = new Map<Value, Cell>();
    for (const value of outerValues(predicate)) values.set(value, await call.around.evaluate(value));
    return { items: filtered(stream, predicate, (value) => values.get(value) ?? null), columns: stream.columns };
  },
};

function conditionOf(call: LocalCall): Predicate {
  const [first, ...rest] = call.command.arguments;
  if (first?.kind === 'block' && rest.length === 0) return parsePredicate(first);
  if (first?.kind === 'parameter' && /^filter/i.test(first.name)) {
    const value = first.attached ?? rest[0];
    if (value?.kind === 'block') return parsePredicate(value);
  }
  return simplePredicate(call.command.arguments, call.command.end);
}

async function* filtered(stream: Stream, predicate: Predicate, lookup: (value: Value) => Cell): AsyncGenerator<Item> {
  for await (const item of stream.items) {
    const thing = notText(item, 'Where-Object');
    // A plain value is its own identity: `… | where { $_ -like "a*" }`.
    const object = thing instanceof Plain ? { Identity: thing.cell } : thing;
    if (fulfils(predicate, object, lookup)) yield item;
  }
}

export const CHOOSE: readonly LocalCmdlet[] = [selectObject, whereObject];
