/**
 * The arguments of a command → values by full parameter names. Which value belongs to which parameter needs to be known
 * here (a switch takes none, `{…}` is a list or a condition); whether a value is right is for the door to say.
 */
import { Failure } from '../../observe/failure.ts';
import { isCommon, matchParameter } from '../../management/binding.ts';
import type { RawArgument, RawScalar } from '../../management/cmdlet.ts';
import type { CmdletHelp, ParameterHelp } from '../../management/help.ts';
import type { Argument, Command, ParameterWord, Value } from './grammar/ast.ts';
import { blockWords } from './grammar/parser.ts';
import { ShellSyntaxError } from './grammar/syntax-error.ts';

export type ErrorAction = 'Stop' | 'Continue' | 'SilentlyContinue';

/** One parameter of a command with the value that goes with it, before anything is looked up. */
export interface Pairing {
  readonly parameter: ParameterHelp;
  /** Null: a switch that stands alone, or a secret that is to be asked for. */
  readonly value: Value | null;
  readonly at: number;
  /** What was typed as its value; empty where nothing was. */
  readonly valueAt: number;
  readonly valueEnd: number;
}

export interface Paired {
  readonly pairings: readonly Pairing[];
  readonly whatIf: Value | null | 'absent';
  readonly confirm: Value | null | 'absent';
  readonly verbose: Value | null | 'absent';
  readonly errorAction: Value | null;
  /** `-?`: explain, do not run. */
  readonly asksForHelp: boolean;
}

export interface BindOptions {
  /** True: the system's shell has read the line before; it may have taken `$true` away or made `{a,b}` into two words. */
  readonly oneShot: boolean;
}

const ERROR_ACTIONS: readonly ErrorAction[] = ['Stop', 'Continue', 'SilentlyContinue'];

/** @throws ShellSyntaxError at the argument that is wrong */
export function pair(help: CmdletHelp, command: Command, options: BindOptions): Paired {
  const named: Pairing[] = [];
  const alone: Value[] = [];
  const common: Record<'WhatIf' | 'Confirm' | 'Verbose', Value | null | 'absent'> = {
    WhatIf: 'absent',
    Confirm: 'absent',
    Verbose: 'absent',
  };
  let errorAction: Value | null = null;
  let asksForHelp = false;
  const args = [...command.arguments];
  for (let at = 0; at < args.length; at += 1) {
    const argument = args[at];
    if (argument === undefined) break;
    if (argument.kind !== 'parameter') {
      alone.push(argument);
      continue;
    }
    if (argument.name === '?') {
      asksForHelp = true;
      continue;
    }
    const next = valueBehind(argument, args[at + 1]);
    if (/^(erroraction|ea)$/i.test(argument.name)) {
      if (next === null) throw new ShellSyntaxError(`-ErrorAction is ${ERROR_ACTIONS.join(', ')}`, argument.end);
      errorAction = next;
      if (argument.attached === null) at += 1;
      continue;
    }
    const parameter = matched(help, argument);
    if (isCommon(parameter) || parameter.isSwitch) {
      // `-Confirm $false` is PowerShell's classic slip; nothing else can be meant.
      const said = argument.attached ?? (next?.kind === 'constant' ? next : null);
      if (argument.attached === null && said !== null) at += 1;
      if (isCommon(parameter)) common[parameter.name] = said;
      else named.push(pairing(parameter, argument, said));
      continue;
    }
    if (next === null && !parameter.secret) throw noValue(parameter, argument, options);
    if (argument.attached === null && next !== null) at += 1;
    let value = next;
    if (options.oneShot && parameter.isList && value !== null) {
      const more: Value[] = [];
      // What bash has made of {a,b}: further words belong to the list when nothing else can take them.
      for (let rest = args[at + 1]; rest !== undefined && rest.kind !== 'parameter'; rest = args[at + 1]) {
        if (hasFreePlace(help, command)) throw splitList(parameter, rest);
        more.push(rest);
        at += 1;
      }
      if (more.length > 0) {
        value = { kind: 'list', items: [value, ...more], at: value.at, end: more.at(-1)?.end ?? value.end };
      }
    }
    named.push(pairing(parameter, argument, value));
  }
  const pairings = [...named, ...placed(help, named, alone)];
  refuseDoubles(help, pairings);
  const { WhatIf: whatIf, Confirm: confirm, Verbose: verbose } = common;
  return { pairings, whatIf, confirm, verbose, errorAction, asksForHelp };
}

function pairing(parameter: ParameterHelp, word: ParameterWord, value: Value | null): Pairing {
  return { parameter, value, at: word.at, valueAt: value?.at ?? word.end, valueEnd: value?.end ?? word.end };
}

function valueBehind(word: ParameterWord, next: Argument | undefined): Value | null {
  if (word.attached !== null) return word.attached;
  return next === undefined || next.kind === 'parameter' ? null : next;
}

function matched(help: CmdletHelp, word: ParameterWord): ReturnType<typeof matchParameter<ParameterHelp>> {
  try {
    return matchParameter(help, word.name);
  } catch (error) {
    if (error instanceof Failure) throw new ShellSyntaxError(error.message, word.at);
    throw error;
  }
}

function noValue(parameter: ParameterHelp, word: ParameterWord, options: BindOptions): ShellSyntaxError {
  const taken =
    options.oneShot && parameter.kind === 'Boolean'
      ? `. The system's shell takes an unquoted $True away: write '$true' in single quotes, or true`
      : '';
  return new ShellSyntaxError(`-${parameter.name} needs a value: ${parameter.accepts}${taken}`, word.end);
}

/** Whether a value without a name could still go to a parameter by its position. */
function hasFreePlace(help: CmdletHelp, command: Command): boolean {
  const typed = new Set<string>();
  let alone = 0;
  let behindName = false;
  for (const argument of command.arguments) {
    if (argument.kind === 'parameter') {
      const parameter = matched(help, argument);
      typed.add(parameter.name);
      behindName = argument.attached === null && !isCommon(parameter) && !parameter.isSwitch;
    } else {
      if (!behindName && typed.size === 0) alone += 1;
      behindName = false;
    }
  }
  return help.parameters.filter((one) => one.position !== null && !typed.has(one.name)).length > alone;
}

function splitList(parameter: ParameterHelp, rest: Value): ShellSyntaxError {
  return new ShellSyntaxError(
    `is this another value of -${parameter.name}? Then write the list as one word: -${parameter.name} 'a,b'. ` +
      'A value without a name goes before the first parameter',
    rest.at,
  );
}

function placed(help: CmdletHelp, named: readonly Pairing[], alone: readonly Value[]): readonly Pairing[] {
  const places = help.parameters
    .filter((one) => one.position !== null && !named.some(({ parameter }) => parameter === one))
    .toSorted((a, b) => (a.position ?? 0) - (b.position ?? 0));
  return alone.map((value, at) => {
    const parameter = places[at];
    if (parameter === undefined) {
      throw new ShellSyntaxError(
        `${help.name}: say which parameter this is for; text with spaces needs quotes`,
        value.at,
      );
    }
    return { parameter, value, at: value.at, valueAt: value.at, valueEnd: value.end };
  });
}

function refuseDoubles(help: CmdletHelp, pairings: readonly Pairing[]): void {
  const seen = new Set<ParameterHelp>();
  for (const { parameter, at } of pairings) {
    if (seen.has(parameter)) throw new ShellSyntaxError(`${help.name}: -${parameter.name} is given twice`, at);
    seen.add(parameter);
  }
}

/** What values are made of; the session knows variables and runs pipelines in brackets. */
export interface Evaluation {
  scalarOrList(value: Value): Promise<RawArgument>;
}

/** @throws ShellSyntaxError, and what the pipelines in brackets throw */
export async function argumentFor(
  parameter: ParameterHelp,
  value: Value | null,
  evaluation: Evaluation,
): Promise<RawArgument> {
  if (value === null) return true;
  if (value.kind === 'block') {
    const words = wordsOrText(value);
    return parameter.isList || words.length === 0 ? words : words.length === 1 ? (words[0] ?? '') : value.inner.trim();
  }
  if (value.kind !== 'edit') return evaluation.scalarOrList(value);
  const edit: { add: readonly RawScalar[]; remove: readonly RawScalar[] } = { add: [], remove: [] };
  for (const { key, value: items } of value.entries) {
    const part = key.toLowerCase();
    if (part !== 'add' && part !== 'remove') {
      throw new ShellSyntaxError(`@{…} knows Add and Remove: @{Add=a,b; Remove=c}, not ${key}`, value.at);
    }
    const raw = await evaluation.scalarOrList(items);
    edit[part] = raw === null ? [] : typeof raw !== 'object' ? [raw] : 'add' in raw ? [] : raw;
  }
  return edit;
}

/** A condition for the server (`-Filter {Name -like 'a*'}`) is no list of words. */
function wordsOrText(value: Value & { readonly kind: 'block' }): readonly string[] {
  try {
    return blockWords(value);
  } catch (error) {
    if (error instanceof ShellSyntaxError) return [value.inner.trim()];
    throw error;
  }
}

/** @throws ShellSyntaxError */
export function switchMeant(name: string, value: Value | null | 'absent', raw: RawArgument): boolean | null {
  if (value === 'absent') return null;
  if (value === null) return true;
  if (typeof raw === 'boolean') return raw;
  const word = typeof raw === 'object' ? '' : String(raw);
  if (/^\$?true$|^1$/i.test(word)) return true;
  if (/^\$?false$|^0$/i.test(word)) return false;
  throw new ShellSyntaxError(`-${name} is $true or $false`, value.at);
}

export function errorActionMeant(value: Value, raw: RawArgument): ErrorAction {
  const word = typeof raw === 'object' ? '' : String(raw).toLowerCase();
  const found = ERROR_ACTIONS.find((one) => one.toLowerCase() === word);
  if (found !== undefined) return found;
  if (word === 'ignore') return 'SilentlyContinue';
  throw new ShellSyntaxError(`-ErrorAction is ${ERROR_ACTIONS.join(', ')}`, value.at);
}
