/**
 * Raw arguments → checked ones, by PowerShell's rules, which admins have in their fingers: names in any case and
 * shortened as long as one parameter is meant, aliases, values without a name by position, `$null`, lists and
 * `@{Add=…;Remove=…}` (exchange-behaviour.md §1.3, §12). The shell, one-shot commands and the admin API all come here,
 * so a line means the same everywhere. Pure: knows no particular cmdlet, and runs none.
 */
import { nearestName } from '../config/nearest-name.ts';
import type { ValueType } from '../directory/settings/value-types.ts';
import { Failure } from '../observe/failure.ts';
import type { Arguments, Cell, Cmdlet, CmdletObject, ListEdit, Parameter, RawArgument, RawScalar } from './cmdlet.ts';

/** By name as typed; a name that is a number (`1`, `2`, …) is the so-manieth value without a name. */
export type RawArguments = Readonly<Record<string, RawArgument>>;

/** Values of one list argument, and of one `@{Add=…}`. */
export const ITEMS_PER_ARGUMENT = 10_000;
/** How much of a refused value an error repeats. */
const SHOWN_CHARACTERS = 80;

export interface CommonParameter {
  readonly name: 'WhatIf' | 'Confirm' | 'Verbose';
  readonly aliases: readonly string[];
  readonly common: true;
  readonly help: string;
}

const VERBOSE: CommonParameter = {
  name: 'Verbose',
  aliases: ['vb'],
  common: true,
  help: 'Says what is being done.',
};
const ASKING: readonly CommonParameter[] = [
  { name: 'WhatIf', aliases: ['wi'], common: true, help: 'Shows what would be done, and does nothing.' },
  {
    name: 'Confirm',
    aliases: ['cf'],
    common: true,
    help: 'Asks before doing it. `-Confirm:$false` never asks, not even before a dangerous change.',
  },
];

/** What every cmdlet takes beside its own parameters. */
export function commonParameters(cmdlet: { readonly changes: boolean }): readonly CommonParameter[] {
  return cmdlet.changes ? [...ASKING, VERBOSE] : [VERBOSE];
}

interface Named {
  readonly name: string;
  readonly aliases?: readonly string[] | undefined;
}

/**
 * The parameter a typed name means: the name or an alias in any case, else the only one that begins so.
 * @throws Failure CANNOT naming the candidates, or the nearest name
 */
export function matchParameter<P extends Named>(
  cmdlet: { readonly name: string; readonly changes: boolean; readonly parameters: readonly P[] },
  typedName: string,
): P | CommonParameter {
  const word = typedName.trim().replace(/^-/, '').toLowerCase();
  const all: ReadonlyArray<P | CommonParameter> = [...cmdlet.parameters, ...commonParameters(cmdlet)];
  const names = (one: P | CommonParameter): string[] => [one.name, ...(one.aliases ?? [])];
  const exact = all.find((one) => names(one).some((name) => name.toLowerCase() === word));
  if (exact !== undefined) return exact;
  const begun = word === '' ? [] : all.filter((one) => names(one).some((name) => name.toLowerCase().startsWith(word)));
  const [only] = begun;
  if (only !== undefined && begun.length === 1) return only;
  if (begun.length > 1) {
    const candidates = begun.map((one) => `-${one.name}`).join(', ');
    throw new Failure('CANNOT', `${cmdlet.name}: -${shown(typedName)} may mean ${candidates}; type more of it`);
  }
  const nearest = nearestName(word, all.flatMap(names));
  const hint =
    nearest === null ? `; all it has: ${all.map((one) => `-${one.name}`).join(', ')}` : `; did you mean -${nearest}?`;
  throw new Failure('CANNOT', `${cmdlet.name} has no parameter -${shown(typedName)}${hint}`);
}

export const isCommon = (parameter: object): parameter is CommonParameter => 'common' in parameter;

export interface BoundCall {
  readonly args: Arguments;
  /** Null: not given. */
  readonly whatIf: boolean | null;
  readonly confirm: boolean | null;
  readonly verbose: boolean;
}

/** A value in the form that `ValueType.read` takes back, so that `get` needs no cast. */
type Bound =
  | { readonly kind: 'value'; readonly stored: unknown }
  | { readonly kind: 'edit'; readonly add: readonly unknown[]; readonly remove: readonly unknown[] };

/**
 * `input`: the object that came through the pipeline; null: none did.
 * @throws Failure CANNOT: unknown, ambiguous, doubled or missing parameter, value that is not acceptable
 */
export function bindArguments(cmdlet: Cmdlet, raw: RawArguments, input: CmdletObject | null = null): BoundCall {
  const named = new Map<string, RawArgument>();
  const common = new Map<CommonParameter['name'], boolean>();
  const unnamed: Array<readonly [number, RawArgument]> = [];
  for (const [typed, value] of Object.entries(raw)) {
    if (/^[1-9]\d*$/.test(typed)) {
      unnamed.push([Number(typed), value]);
      continue;
    }
    const parameter = matchParameter(cmdlet, typed);
    if (isCommon(parameter)) {
      if (common.has(parameter.name)) throw twice(cmdlet, parameter);
      common.set(parameter.name, switchValue(parameter, value));
    } else {
      if (named.has(parameter.name)) throw twice(cmdlet, parameter);
      named.set(parameter.name, value);
    }
  }
  placeUnnamed(cmdlet, named, unnamed);
  if (input !== null) takeInput(cmdlet, named, input);
  const missing = cmdlet.parameters.filter((one) => one.required === true && !named.has(one.name));
  if (missing.length > 0) {
    const what = missing.map((one) => `-${one.name} (${firstSentence(one.help)})`).join(' and ');
    throw new Failure('CANNOT', `${cmdlet.name} needs ${what}`);
  }
  const bound = new Map<string, Bound>();
  for (const parameter of cmdlet.parameters) {
    const value = named.get(parameter.name);
    if (value !== undefined) bound.set(parameter.name, convert(parameter, value));
  }
  return {
    args: new BoundArguments(cmdlet, bound),
    whatIf: common.get('WhatIf') ?? null,
    confirm: common.get('Confirm') ?? null,
    verbose: common.get('Verbose') ?? false,
  };
}

/** Values without a name go to the positional parameters that have none yet, lowest position first. */
function placeUnnamed(
  cmdlet: Cmdlet,
  named: Map<string, RawArgument>,
  unnamed: ReadonlyArray<readonly [number, RawArgument]>,
): void {
  const places = cmdlet.parameters
    .filter((one) => one.position !== undefined && !named.has(one.name))
    .toSorted((a, b) => (a.position ?? 0) - (b.position ?? 0));
  for (const [at, [, value]] of unnamed.toSorted(([a], [b]) => a - b).entries()) {
    const place = places[at];
    if (place === undefined) {
      const said = typeof value === 'object' ? 'a value' : `"${shown(String(value))}"`;
      throw new Failure('CANNOT', `${cmdlet.name}: ${said} stands alone; say which parameter it is for`);
    }
    named.set(place.name, value);
  }
}

function takeInput(cmdlet: Cmdlet, named: Map<string, RawArgument>, input: CmdletObject): void {
  const takers = cmdlet.parameters.filter((one) => one.fromPipeline === true);
  if (takers.length === 0) throw new Failure('CANNOT', `${cmdlet.name} takes nothing from the pipeline`);
  const property = (name: string): Cell | undefined =>
    Object.entries(input).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
  for (const taker of takers) {
    if (named.has(taker.name)) continue;
    const value = rawOf(property(taker.name) ?? property('Identity') ?? null);
    if (value !== null) named.set(taker.name, value);
  }
}

/** Null where the object has nothing to give. */
function rawOf(cell: Cell): RawArgument {
  if (cell === null || typeof cell !== 'object') return cell;
  if ('text' in cell) return cell.value ?? cell.text;
  const items: RawScalar[] = [];
  for (const one of cell) {
    const raw = rawOf(one);
    if (raw !== null && typeof raw !== 'object') items.push(raw);
  }
  return items;
}

export const isListEdit = (raw: RawArgument): raw is ListEdit =>
  typeof raw === 'object' && raw !== null && !Array.isArray(raw);

/** Whether several values and `@{Add=…}` are welcome. */
export const isListType = (type: Pick<ValueType<unknown>, 'kind'>): boolean =>
  type.kind.startsWith('MultiValuedProperty<');

function convert(parameter: Parameter<unknown>, raw: RawArgument): Bound {
  const isList = isListType(parameter.type);
  if (isListEdit(raw)) {
    if (!isList) throw new Failure('CANNOT', `-${parameter.name} holds one value; @{Add=…;Remove=…} is for lists`);
    return { kind: 'edit', add: storedItems(parameter, raw.add), remove: storedItems(parameter, raw.remove) };
  }
  if (isList) {
    const items: readonly RawScalar[] = raw === null ? [] : typeof raw === 'object' ? raw : [raw];
    return { kind: 'value', stored: wholeList(parameter, storedItems(parameter, items)) };
  }
  if (raw !== null && typeof raw === 'object') {
    // `{host:995:SSL}` is a list of one (exchange-behaviour.md §12).
    const [only] = raw;
    if (only === undefined || raw.length > 1)
      throw new Failure('CANNOT', `-${parameter.name} takes one value, not ${raw.length}: ${parameter.type.accepts}`);
    return { kind: 'value', stored: storedScalar(parameter, only) };
  }
  return { kind: 'value', stored: storedScalar(parameter, raw) };
}

function storedScalar(parameter: Parameter<unknown>, raw: RawScalar | null): unknown {
  const { type } = parameter;
  const value = raw === null ? (type.read(null) ?? type.parse('')) : type.parse(String(raw));
  if (value === undefined) throw refused(parameter, raw);
  return type.store(value);
}

/** Each value may itself be a list of values with commas between. */
function storedItems(parameter: Parameter<unknown>, raws: readonly RawScalar[]): readonly unknown[] {
  if (raws.length > ITEMS_PER_ARGUMENT)
    throw new Failure('TOOBIG', `-${parameter.name} takes at most ${ITEMS_PER_ARGUMENT} values at once`);
  const { type } = parameter;
  const items: unknown[] = [];
  for (const raw of raws) {
    const value = type.parse(String(raw));
    if (value === undefined) throw refused(parameter, raw);
    const stored = type.store(value);
    if (!Array.isArray(stored)) throw new Error(`${parameter.name}: a list type that stores no list`);
    for (const item of stored) items.push(item);
  }
  return items;
}

/** Rules of the whole list: length, no doubles. */
function wholeList(parameter: Parameter<unknown>, items: readonly unknown[]): unknown {
  const list = parameter.type.read(items);
  if (list === undefined) throw refused(parameter, null);
  return parameter.type.store(list);
}

/** What was wrong and what would be right. */
function refused(parameter: Parameter<unknown>, raw: RawScalar | null): Failure {
  const must = `-${parameter.name} must be ${parameter.type.accepts}`;
  if (parameter.secret === true) return new Failure('CANNOT', must);
  if (raw === null) return new Failure('CANNOT', `${must}, not $null`);
  const nearest = nearestName(String(raw), parameter.type.choices ?? []);
  const hint = nearest === null ? '' : `; did you mean ${nearest}?`;
  return new Failure('CANNOT', `${must}, not "${shown(String(raw))}"${hint}`);
}

function switchValue(parameter: CommonParameter, raw: RawArgument): boolean {
  if (typeof raw === 'boolean') return raw;
  const word = typeof raw === 'object' ? '' : String(raw).trim().toLowerCase();
  if (['true', '$true', '1'].includes(word)) return true;
  if (['false', '$false', '0'].includes(word)) return false;
  throw new Failure('CANNOT', `-${parameter.name} must be $true or $false`);
}

const twice = (cmdlet: Cmdlet, parameter: Named): Failure =>
  new Failure('CANNOT', `${cmdlet.name}: -${parameter.name} is given twice`);

const shown = (text: string): string => {
  const line = text.replaceAll(/[\u0000-\u001f\u007f]/g, ' ');
  return line.length > SHOWN_CHARACTERS ? `${line.slice(0, SHOWN_CHARACTERS)}…` : line;
};

const firstSentence = (help: string): string => (/^.*?[.!?](?=\s|$)/.exec(help)?.[0] ?? help).replace(/\.$/, '');

class BoundArguments implements Arguments {
  readonly #cmdlet: Cmdlet;
  readonly #bound: ReadonlyMap<string, Bound>;
  readonly given: readonly string[];

  constructor(cmdlet: Cmdlet, bound: ReadonlyMap<string, Bound>) {
    this.#cmdlet = cmdlet;
    this.#bound = bound;
    this.given = [...bound.keys()];
  }

  has(parameter: Parameter<unknown>): boolean {
    return this.#bound.has(parameter.name);
  }

  get<T>(parameter: Parameter<T>): T {
    const value = this.optional(parameter);
    if (value === undefined) throw new Failure('CANNOT', `${this.#cmdlet.name} needs -${parameter.name}`);
    return value;
  }

  optional<T>(parameter: Parameter<T>): T | undefined {
    const bound = this.#bound.get(parameter.name);
    if (bound === undefined) return undefined;
    if (bound.kind === 'value') return readBack(parameter, bound.stored);
    if (bound.remove.length > 0)
      throw new Failure('CANNOT', `-${parameter.name}: there is nothing yet to remove a value from; name the values`);
    return readBack(parameter, bound.add);
  }

  edited<T>(parameter: Parameter<readonly T[]>, current: readonly T[]): readonly T[] | undefined {
    const bound = this.#bound.get(parameter.name);
    if (bound === undefined) return undefined;
    if (bound.kind === 'value') return readBack(parameter, bound.stored);
    const { type } = parameter;
    const text = (item: T): string => type.format([item]);
    const key = (item: T): string => text(item).toLowerCase();
    const kept = new Map(current.map((item) => [key(item), item]));
    for (const item of readBack(parameter, bound.remove)) {
      if (kept.delete(key(item))) continue;
      const now = current.length === 0 ? 'it is empty' : `it holds ${current.map(text).join(', ')}`;
      throw new Failure('CANNOT', `-${parameter.name}: ${text(item)} cannot be removed, ${now}`);
    }
    for (const item of readBack(parameter, bound.add)) if (!kept.has(key(item))) kept.set(key(item), item);
    const whole = type.read(type.store([...kept.values()]));
    if (whole === undefined) throw new Failure('CANNOT', `-${parameter.name} must be ${type.accepts}`);
    return whole;
  }
}

/** @throws Error when a type does not read what it stored: a bug of that type */
function readBack<T>(parameter: Parameter<T>, stored: unknown): T {
  const value = parameter.type.read(stored);
  if (value === undefined) throw new Error(`-${parameter.name}: its type does not read back what it stored`);
  return value;
}
