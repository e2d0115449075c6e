/**
 * What Tab offers: names of cmdlets, parameters, values, properties, operators, variables and files, as the place in the
 * line wants it. Works on lines that are not finished, and never throws for one that is wrong.
 */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { commonParameters, isCommon, matchParameter } from '../../management/binding.ts';
import type { CmdletHelp, ParameterHelp } from '../../management/help.ts';
import { Failure } from '../../observe/failure.ts';
import type { Catalogue, Entry } from './catalogue.ts';
import { lex, type Token } from './grammar/lexer.ts';
import { COMPARISONS } from './grammar/predicate.ts';
import { quoted } from '../../management/command-line.ts';

export interface Completion {
  /** Whole words in the place of what stands behind `from`. */
  readonly candidates: readonly string[];
  /** Offset in the text up to the cursor. */
  readonly from: number;
  /** Said when there are no candidates: what may stand here. */
  readonly hint: string | null;
}

export interface CompletionSource {
  readonly catalogue: Catalogue;
  variableNames(): readonly string[];
  propertiesOf(cmdlet: string): readonly string[];
  /** Values the server offers. */
  complete(cmdlet: string, parameter: string, typed: string): Promise<readonly string[]>;
}

const NOTHING: Completion = { candidates: [], from: 0, hint: null };
/** The server has this long to offer values before Tab gives up. */
const PATIENCE_MS = 2000;
const MOST_FILES = 200;

interface Partial {
  readonly from: number;
  /** Without quotes. */
  readonly text: string;
  /** The mark it begins with; empty when there is none. */
  readonly quote: string;
}

/** `text`: everything up to the cursor. */
export async function complete(text: string, source: CompletionSource): Promise<Completion> {
  const { tokens, trouble } = lex(text);
  if (trouble !== null && !trouble.incomplete) return NOTHING;
  const opened = trouble === null ? '' : text.charAt(trouble.at);
  if (opened === '{' || text.startsWith('@{', trouble?.at ?? text.length)) {
    const stage = stageOf(tokens);
    return opened === '{' ? insideBraces(text, (trouble?.at ?? 0) + 1, stage, source) : NOTHING;
  }
  const isQuote = opened !== '' && opened !== '(' && opened !== '`' && !text.startsWith('@(', trouble?.at ?? 0);
  const partial = isQuote
    ? { from: trouble?.at ?? 0, text: text.slice((trouble?.at ?? 0) + 1), quote: opened }
    : partialOf(text, tokens);
  const before = tokens.filter((token) => token.end <= partial.from);
  const stage = stageOf(before);
  if (partial.text.startsWith('$') && partial.quote === '') {
    return variables(partial, source, ['$true', '$false', '$null']);
  }
  if (stage.command === null) return commandNames(partial, source.catalogue);
  const entry = source.catalogue.find(stage.command);
  if (entry === null) return NOTHING;
  if (entry.help.name === 'Where-Object') return condition(partial, stage, source);
  if (/^[-\u2013\u2014]/.test(partial.text) && partial.quote === '') return parameterNames(partial, entry.help, stage);
  const { next } = valuePlace(entry.help, stage.tokens);
  if (next !== null) return values(partial, entry, next, stage, source);
  // Nothing can stand here without a name: the names are what to choose from.
  return partial.text === '' ? parameterNames({ ...partial, text: '-' }, entry.help, stage) : NOTHING;
}

/** The word the cursor stands behind. */
function partialOf(text: string, tokens: readonly Token[]): Partial {
  const last = tokens.at(-1);
  if (last === undefined || last.end !== text.length) return { from: text.length, text: '', quote: '' };
  const raw = text.slice(last.at);
  switch (last.kind) {
    case 'word':
    case 'variable':
      return { from: last.at, text: raw, quote: '' };
    case 'quoted':
      return { from: last.at, text: raw.slice(1, -1), quote: raw.charAt(0) };
    case 'parameter':
      if (!last.colon) return { from: last.at, text: raw, quote: '' };
      break;
    default:
      break;
  }
  return { from: text.length, text: '', quote: '' };
}

interface StageSoFar {
  /** Null: the name of a cmdlet is what comes next. */
  readonly command: string | null;
  /** Behind the name. */
  readonly tokens: readonly Token[];
  /** Names of the cmdlets before, the nearest first. */
  readonly before: readonly string[];
}

/** The command that is being typed, in the innermost bracket. */
function stageOf(tokens: readonly Token[]): StageSoFar {
  let current: Token[] = [];
  let before: string[] = [];
  const outer: Array<{ current: Token[]; before: string[] }> = [];
  for (const token of tokens) {
    if (token.kind === '(' || token.kind === '@(') {
      outer.push({ current, before });
      current = [];
      before = [];
    } else if (token.kind === ')') {
      const back = outer.pop();
      current = [...(back?.current ?? []), token];
      before = back?.before ?? [];
    } else if (token.kind === '|') {
      before = [nameOf(current[0]) ?? '', ...before];
      current = [];
    } else if (token.kind === ';' || token.kind === '=') {
      current = [];
      before = [];
    } else if (token.kind === 'newline') {
      if (current.length > 0) before = [];
      current = [];
    } else current.push(token);
  }
  return { command: nameOf(current[0]), tokens: current.slice(1), before };
}

function nameOf(token: Token | undefined): string | null {
  if (token?.kind !== 'word') return null;
  return token.parts.map((part) => (typeof part === 'string' ? part : '')).join('');
}

const beginsWith =
  (typed: string) =>
  (candidate: string): boolean =>
    candidate.toLowerCase().startsWith(typed.toLowerCase());

function commandNames(partial: Partial, catalogue: Catalogue): Completion {
  if (partial.quote !== '') return NOTHING;
  const names = [...catalogue.names(), 'help'].toSorted();
  const begun = names.filter(beginsWith(partial.text));
  // `popset` finds Get-PopSettings and Set-PopSettings.
  const word = partial.text.toLowerCase().replace(/^-/, '');
  const candidates = begun.length > 0 ? begun : names.filter((name) => name.toLowerCase().includes(`-${word}`));
  return { candidates, from: partial.from, hint: begun.length > 0 ? null : catalogue.unknown(partial.text) };
}

function parameterNames(partial: Partial, help: CmdletHelp, stage: StageSoFar): Completion {
  const { used } = valuePlace(help, stage.tokens);
  const all = [...help.parameters, ...(help.roles.length > 0 ? commonParameters(help) : [])]
    .map((one) => one.name)
    .filter((name) => !used.has(name));
  const typed = partial.text.slice(1);
  const begun = all.filter(beginsWith(typed));
  const candidates = begun.length > 0 ? begun : all.filter((name) => name.toLowerCase().includes(typed.toLowerCase()));
  return { candidates: candidates.map((name) => `-${name}`), from: partial.from, hint: null };
}

function named(help: CmdletHelp, name: string): ReturnType<typeof matchParameter<ParameterHelp>> | null {
  try {
    return matchParameter(help, name);
  } catch (error) {
    if (error instanceof Failure) return null;
    throw error;
  }
}

/** A switch that comes with the cmdlet's own, as far as completion is concerned. */
const asSwitch = (name: string): ParameterHelp => ({
  name,
  aliases: [],
  kind: 'Boolean',
  accepts: '$true or $false',
  choices: null,
  isList: false,
  isSwitch: true,
  required: false,
  position: null,
  fromPipeline: false,
  secret: false,
  completes: false,
  help: '',
});

/** Which parameters have been given in these tokens, and whose value comes next. */
function valuePlace(
  help: CmdletHelp,
  tokens: readonly Token[],
): { readonly next: ParameterHelp | null; readonly used: ReadonlySet<string> } {
  const used = new Set<string>();
  for (const token of tokens) if (token.kind === 'parameter') used.add(named(help, token.name)?.name ?? '');
  const free = help.parameters
    .filter((one) => one.position !== null && !used.has(one.name))
    .toSorted((a, b) => (a.position ?? 0) - (b.position ?? 0));
  let open: ParameterHelp | null = null;
  let last: ParameterHelp | null = null;
  for (const token of tokens) {
    if (token.kind === ',') {
      open = last;
    } else if (token.kind === 'parameter') {
      const parameter = named(help, token.name);
      if (parameter === null) return { next: null, used };
      const own = isCommon(parameter) ? asSwitch(parameter.name) : parameter;
      open = own.isSwitch && !token.colon ? null : own;
      last = open;
    } else {
      if (open === null) {
        last = free.shift() ?? null;
        if (last !== null) used.add(last.name);
      }
      open = null;
    }
  }
  return { next: open ?? free[0] ?? null, used };
}

async function values(
  partial: Partial,
  entry: Entry,
  parameter: ParameterHelp,
  stage: StageSoFar,
  source: CompletionSource,
): Promise<Completion> {
  const hint = `-${parameter.name}: ${parameter.accepts}`;
  const offered = await offers(partial, entry, parameter, stage, source);
  const candidates = [...new Set(offered)].map((value) => inQuotes(value, partial.quote));
  return { candidates, from: partial.from, hint: parameter.secret ? 'typed without a value, it is asked for' : hint };
}

async function offers(
  partial: Partial,
  entry: Entry,
  parameter: ParameterHelp,
  stage: StageSoFar,
  source: CompletionSource,
): Promise<readonly string[]> {
  const begun = beginsWith(partial.text);
  if (parameter.secret) return [];
  if (parameter.kind === 'Boolean' || parameter.isSwitch) return ['$true', '$false'].filter(begun);
  if (entry.kind === 'local') {
    if (parameter.name === 'Path') return files(partial.text);
    if (parameter.name.endsWith('Property')) return propertiesBefore(stage, source).filter(begun);
    if (parameter.name === 'Name') return commandNames(partial, source.catalogue).candidates;
    return (parameter.choices ?? []).filter(begun);
  }
  const fixed = (parameter.choices ?? []).filter(begun);
  if (!parameter.completes) return fixed;
  return [...fixed, ...(await inTime(source.complete(entry.help.name, parameter.name, partial.text)))];
}

/** Values that are late or cannot be had are none. */
async function inTime(work: Promise<readonly string[]>): Promise<readonly string[]> {
  const { promise, resolve } = Promise.withResolvers<readonly string[]>();
  const late = setTimeout(() => resolve([]), PATIENCE_MS);
  try {
    return await Promise.race([work.catch((): readonly string[] => []), promise]);
  } finally {
    clearTimeout(late);
  }
}

async function files(typed: string): Promise<readonly string[]> {
  const folder = typed.endsWith('/') ? typed : path.dirname(typed);
  const name = typed.endsWith('/') ? '' : path.basename(typed);
  try {
    const entries = await readdir(folder === '' ? '.' : folder, { withFileTypes: true });
    const before = typed.includes('/') ? (folder.endsWith('/') ? folder : `${folder}/`) : '';
    return entries
      .filter((entry) => entry.name.startsWith(name) && (name !== '' || !entry.name.startsWith('.')))
      .slice(0, MOST_FILES)
      .map((entry) => `${before}${entry.name}${entry.isDirectory() ? '/' : ''}`);
  } catch {
    return [];
  }
}

function inQuotes(value: string, quote: string): string {
  if (/^\$(true|false|null)$/.test(value) && quote === '') return value;
  if (quote === '' && /^[A-Za-z0-9_\\/:*.@[\]+%][A-Za-z0-9_\\/:*.@[\]+%=-]*$/.test(value)) return value;
  if (quote !== '' && /["\u201c\u201d\u201e]/.test(quote)) return `"${value.replaceAll(/[`"$]/g, '`$&')}"`;
  return quoted(value);
}

/** Of what comes down the pipeline. */
function propertiesBefore(stage: StageSoFar, source: CompletionSource): readonly string[] {
  for (const name of stage.before) {
    const entry = source.catalogue.find(name);
    if (entry?.kind === 'remote') return source.propertiesOf(entry.help.name);
  }
  return [];
}

function variables(partial: Partial, source: CompletionSource, more: readonly string[]): Completion {
  const names = [...more, ...source.variableNames().map((name) => `$${name}`)];
  return { candidates: names.filter(beginsWith(partial.text)), from: partial.from, hint: null };
}

const operators = (): readonly string[] => [...COMPARISONS, 'and', 'or', 'not'].map((name) => `-${name}`);

/** `where Name -eq x` */
function condition(partial: Partial, stage: StageSoFar, source: CompletionSource): Completion {
  const offered = stage.tokens.length === 0 ? propertiesBefore(stage, source) : operators();
  const wanted = partial.text.startsWith('-') ? operators() : stage.tokens.length > 1 ? [] : offered;
  return { candidates: wanted.filter(beginsWith(partial.text)), from: partial.from, hint: null };
}

/** `where { $_.Na` */
function insideBraces(text: string, from: number, stage: StageSoFar, source: CompletionSource): Completion {
  const entry = stage.command === null ? null : source.catalogue.find(stage.command);
  if (entry?.help.name !== 'Where-Object') return NOTHING;
  const word = /[^\s(){}]*$/.exec(text.slice(from))?.[0] ?? '';
  const at = text.length - word.length;
  const properties = propertiesBefore(stage, source).map((name) => `$_.${name}`);
  const offered = word.startsWith('-') ? operators() : properties;
  return { candidates: offered.filter(beginsWith(word)), from: at, hint: null };
}
