/**
 * Runs a pipeline: each stage takes the stream of the one before. Objects go one at a time, so nothing is kept that a
 * stage does not need; whoever stops taking stops the cmdlet at the server, too.
 */
import { Failure } from '../../observe/failure.ts';
import type { Cell, CmdletObject, RawArgument, RawScalar } from '../../management/cmdlet.ts';
import { ConfirmationNeeded } from '../../management/door.ts';
import type { Door } from '../../management/door-client.ts';
import type { CmdletHelp } from '../../management/help.ts';
import {
  argumentFor,
  type BindOptions,
  type ErrorAction,
  errorActionMeant,
  type Paired,
  pair,
  switchMeant,
} from './bind.ts';
import { rawText } from './cell-text.ts';
import { valueAt } from './condition.ts';
import type { Command, Pipeline, Value } from './grammar/ast.ts';
import { blockWords } from './grammar/parser.ts';
import { ShellSyntaxError } from './grammar/syntax-error.ts';
import { each, type Item, Line, Plain, type Stream } from './items.ts';
import { LocalArguments, type Surroundings } from './local.ts';
import { notText } from './stages/through.ts';
import type { Catalogue } from './catalogue.ts';
import type { Console } from './console.ts';

export type Answer = 'yes' | 'all' | 'no';

export interface Context extends BindOptions {
  readonly door: Door;
  readonly catalogue: Catalogue;
  readonly console: Console;
  readonly signal: AbortSignal;
  /** Lower-case names. */
  readonly variables: ReadonlyMap<string, readonly Item[]>;
  readonly around: Omit<Surroundings, 'evaluate' | 'signal' | 'width' | 'catalogue' | 'serverName'>;
  /** What `<Server Name>` in an example stands for. */
  readonly serverName: string;
  /** The text that offsets point into. */
  readonly source: string;
  /** @throws Failure CANNOT where nobody is to be asked */
  confirm(what: string): Promise<Answer>;
  /** A warning that is given once in a session. */
  once(warning: string): void;
  /** Property names of what a cmdlet has left, for completion. */
  noteProperties(cmdlet: string, object: CmdletObject): void;
}

/** Values that a pipeline in brackets may leave. */
const MOST_VALUES = 100_000;

/** @throws ShellSyntaxError for what is wrong before anything has run */
export async function startPipeline(pipeline: Pipeline, context: Context): Promise<Stream> {
  let stream: Stream | null = null;
  for (const stage of pipeline.stages) {
    stream =
      stage.kind === 'expression'
        ? { items: each(await itemsOf(stage.value, context)), columns: null }
        : await startCommand(stage, stream, context);
  }
  if (stream === null) throw new Error('a pipeline without stages');
  return stream;
}

async function startCommand(command: Command, input: Stream | null, context: Context): Promise<Stream> {
  const entry = context.catalogue.find(command.name);
  if (entry === null) throw new ShellSyntaxError(context.catalogue.unknown(command.name), command.at);
  const { help } = entry;
  if (command.arguments.some((one) => one.kind === 'parameter' && one.name === '?')) {
    const word = { at: command.at, end: command.end };
    const name: Value = { kind: 'text', text: help.name, ...word };
    return startCommand({ kind: 'command', name: 'Get-Help', arguments: [name], ...word }, null, context);
  }
  if (entry.kind === 'remote') return startRemote(command, help, input, context);
  const { cmdlet } = entry;
  if (cmdlet.begins && input !== null) {
    throw new ShellSyntaxError(`${help.name} takes nothing from the pipeline: put it first`, command.at);
  }
  if (!cmdlet.begins && input === null) {
    throw new ShellSyntaxError(`${help.name} needs something to work on: Get-Mailbox | ${help.name} …`, command.at);
  }
  const values = new Map<string, RawArgument>();
  const places = new Map<string, number>();
  if (cmdlet.readsItself !== true) {
    for (const { parameter, value, at, valueAt } of pair(help, command, context).pairings) {
      if (value?.kind === 'edit') {
        throw new ShellSyntaxError('calculated properties are not there: name properties', value.at);
      }
      values.set(parameter.name, await givenTo(parameter, value, context));
      places.set(parameter.name, value === null ? at : valueAt);
    }
    for (const parameter of help.parameters) {
      if (parameter.required && !values.has(parameter.name)) {
        throw new ShellSyntaxError(`${help.name} needs -${parameter.name}: ${parameter.help}`, command.end);
      }
    }
  }
  const around: Surroundings = {
    ...context.around,
    signal: context.signal,
    width: context.console.width,
    catalogue: context.catalogue,
    serverName: context.serverName,
    evaluate: async (value) => cellOf(await scalarOrList(value, context)),
  };
  const refuse = (parameter: string, must: string): Error =>
    new ShellSyntaxError(`-${parameter} must be ${must}`, places.get(parameter) ?? command.at);
  return cmdlet.run({ args: new LocalArguments(values, refuse), command, input, around });
}

async function givenTo(
  parameter: Paired['pairings'][number]['parameter'],
  value: Value | null,
  context: Context,
): Promise<RawArgument> {
  // A secret that was not typed is asked for, so that it stands in no history and on no screen.
  if (value === null && parameter.secret) {
    return context.around.read(`${parameter.name}: `, /password$/i.test(parameter.name) ? 'new secret' : 'secret');
  }
  return argumentFor(parameter, value, { scalarOrList: (one) => scalarOrList(one, context) });
}

async function startRemote(
  command: Command,
  help: CmdletHelp,
  input: Stream | null,
  context: Context,
): Promise<Stream> {
  const paired = pair(help, command, context);
  const args: Record<string, RawArgument> = {};
  for (const { parameter, value } of paired.pairings) {
    args[parameter.name] = withServerName(await givenTo(parameter, value, context), context);
  }
  const read = async (value: Value | null | 'absent'): Promise<RawArgument> =>
    value === null || value === 'absent' ? null : scalarOrList(value, context);
  if (paired.verbose !== 'absent') {
    args['Verbose'] = switchMeant('Verbose', paired.verbose, await read(paired.verbose)) ?? false;
  }
  const call: RemoteCall = {
    help,
    args,
    whatIf: switchMeant('WhatIf', paired.whatIf, await read(paired.whatIf)) ?? false,
    confirm: switchMeant('Confirm', paired.confirm, await read(paired.confirm)),
    errorAction:
      paired.errorAction === null ? 'Stop' : errorActionMeant(paired.errorAction, await read(paired.errorAction)),
  };
  if (input !== null && !help.parameters.some((one) => one.fromPipeline)) {
    throw new ShellSyntaxError(`${help.name} takes nothing from the pipeline`, command.at);
  }
  return { items: remoteItems(call, input, context), columns: help.columns };
}

const SERVER_NAME = /<server name>/gi;

/** Lines of examples run as they are: `"Client Frontend <Server Name>"` (exchange-behaviour.md §12, the first row). */
function withServerName(raw: RawArgument, context: Context): RawArgument {
  const text = (one: RawScalar): RawScalar => {
    if (typeof one !== 'string' || one.search(SERVER_NAME) === -1) return one;
    context.once(`<Server Name> is taken as ${context.serverName}, the name of this server`);
    return one.replaceAll(SERVER_NAME, () => context.serverName);
  };
  if (raw === null) return null;
  if (typeof raw !== 'object') return text(raw);
  if (!('add' in raw)) return raw.map(text);
  return { add: raw.add.map(text), remove: raw.remove.map(text) };
}

interface RemoteCall {
  readonly help: CmdletHelp;
  readonly args: Readonly<Record<string, RawArgument>>;
  readonly whatIf: boolean;
  readonly confirm: boolean | null;
  readonly errorAction: ErrorAction;
}

async function* remoteItems(call: RemoteCall, input: Stream | null, context: Context): AsyncGenerator<Item> {
  const asked = { all: false };
  if (input === null) {
    yield* tolerant(call, null, asked, context);
    return;
  }
  for await (const item of input.items) {
    const thing = notText(item, call.help.name);
    yield* tolerant(call, thing instanceof Plain ? { Identity: thing.cell } : thing, asked, context);
  }
}

/** With -ErrorAction Continue an object that fails does not stop the others. */
async function* tolerant(
  call: RemoteCall,
  input: CmdletObject | null,
  asked: { all: boolean },
  context: Context,
): AsyncGenerator<Item> {
  try {
    yield* runOne(call, input, asked, context);
  } catch (error) {
    if (call.errorAction === 'Stop' || context.signal.aborted || !(error instanceof Failure)) throw error;
    if (call.errorAction === 'Continue') context.console.error(error, context.source);
  }
}

async function* runOne(
  call: RemoteCall,
  input: CmdletObject | null,
  asked: { all: boolean },
  context: Context,
): AsyncGenerator<Item> {
  const options = {
    whatIf: call.whatIf,
    input,
    signal: context.signal,
    onWarning: (text: string): void => context.console.warn(text),
    onProgress: (done: number, total: number | null, activity: string): void => {
      if (call.args['Verbose'] === true && done === 0) context.console.tell(activity);
      else context.console.progress(done, total, activity);
    },
  };
  const show = async function* (confirm: boolean | null): AsyncGenerator<Item> {
    let first = true;
    for await (const object of context.door.run(call.help.name, call.args, { ...options, confirm })) {
      if (call.whatIf && 'WhatIf' in object) {
        context.console.whatIf(rawText(object['WhatIf']));
        continue;
      }
      if (first) context.noteProperties(call.help.name, object);
      first = false;
      yield object;
    }
  };
  try {
    yield* show(asked.all ? false : call.confirm);
  } catch (error) {
    if (!(error instanceof ConfirmationNeeded)) throw error;
    const answer = await context.confirm(error.what);
    if (answer === 'no') return;
    if (answer === 'all') asked.all = true;
    yield* show(false);
  }
}

/** @throws ShellSyntaxError when the variable was never set */
async function itemsOf(value: Value, context: Context): Promise<readonly Item[]> {
  switch (value.kind) {
    case 'variable': {
      const items = variable(value, context);
      return value.path.length === 0 ? items : items.map((item) => partOf(item, value.path));
    }
    case 'group': {
      const items: Item[] = [];
      for await (const item of (await startPipeline(value.pipeline, context)).items) {
        items.push(notText(item, '(…)'));
        if (items.length > MOST_VALUES) {
          throw new Failure('LIMIT', `a pipeline in brackets may leave ${MOST_VALUES} values; use a pipe instead`);
        }
      }
      return value.path.length === 0 ? items : items.map((item) => partOf(item, value.path));
    }
    case 'list': {
      const items: Item[] = [];
      for (const one of value.items) items.push(...(await itemsOf(one, context)));
      return items;
    }
    case 'text':
      return [new Plain(value.text)];
    case 'template':
      return [new Plain(await templateText(value, context))];
    case 'constant':
      return value.value === null ? [] : [new Plain(value.value)];
    case 'block':
      return blockWords(value).map((word) => new Plain(word));
    default:
      throw new ShellSyntaxError('@{…} is a value only behind a parameter', value.at);
  }
}

function variable(value: Value & { kind: 'variable' }, context: Context): readonly Item[] {
  if (value.name === '_') throw new ShellSyntaxError('$_ is there only inside Where-Object { … }', value.at);
  const items = context.variables.get(value.name.toLowerCase());
  if (items === undefined) {
    throw new ShellSyntaxError(
      `$${value.name} has not been set: $${value.name} = Get-…; literal text: '$${value.name}'`,
      value.at,
    );
  }
  return items;
}

async function templateText(value: Value & { kind: 'template' }, context: Context): Promise<string> {
  const parts: string[] = [];
  for (const part of value.parts) {
    if (typeof part === 'string') parts.push(part);
    else {
      const items = variable({ kind: 'variable', ...part, at: value.at, end: value.end }, context);
      parts.push(items.map((item) => rawText(cellOfItem(item))).join(' '));
    }
  }
  return parts.join('');
}

function partOf(item: Item, path: readonly string[]): Plain {
  const thing = notText(item, '.Property');
  return new Plain(thing instanceof Plain ? valueAt({ Value: thing.cell }, path) : valueAt(thing, path));
}

function cellOfItem(item: Item): Cell {
  if (item instanceof Line) return item.text;
  return item instanceof Plain ? item.cell : valueAt(item, []);
}

/** Null for nothing, one value alone, several as a list. */
async function scalarOrList(value: Value, context: Context): Promise<RawArgument> {
  if (value.kind === 'text') return value.text;
  if (value.kind === 'constant') return value.value;
  const items = await itemsOf(value, context);
  const scalars: RawScalar[] = [];
  const add = (cell: Cell): void => {
    if (Array.isArray(cell)) for (const one of cell) add(one);
    else if (typeof cell === 'object' && cell !== null && 'text' in cell) scalars.push(cell.value ?? cell.text);
    else if (typeof cell !== 'object') scalars.push(cell);
  };
  for (const item of items) add(cellOfItem(item));
  if (value.kind === 'list') return scalars;
  if (scalars.length === 0) return null;
  return scalars.length === 1 ? (scalars[0] ?? null) : scalars;
}

function cellOf(raw: RawArgument): Cell {
  if (raw === null || typeof raw !== 'object') return raw;
  return 'add' in raw ? null : raw;
}
