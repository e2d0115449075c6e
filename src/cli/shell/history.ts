/**
 * What was typed, in a file of this user. Values of secret parameters never come here: they are cut out of the line
 * (typed again, the line asks for them), and a line that cannot be read is left out when it looks like one with a
 * password.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import type { Catalogue } from './catalogue.ts';
import { pair } from './bind.ts';
import type { Pipeline, Span, Value } from './grammar/ast.ts';
import { parse } from './grammar/parser.ts';
import { ShellSyntaxError } from './grammar/syntax-error.ts';

export const HISTORY_LINES = 1000;
const LONGEST = 4096;
const SUSPICIOUS = /pass|secret|cred|pwd/i;

/** XDG base directories: state that outlives a session and is of no use on another machine. */
export function historyFile(environment: NodeJS.ProcessEnv = process.env): string {
  const state = environment['XDG_STATE_HOME'];
  const base = state !== undefined && path.isAbsolute(state) ? state : path.join(homedir(), '.local', 'state');
  return path.join(base, 'penfold', 'shell-history');
}

/** Oldest first. */
export class History {
  readonly lines: string[];
  readonly #file: string | null;

  /** `file` null: nothing is kept. */
  constructor(file: string | null, lines: readonly string[] = []) {
    this.#file = file;
    this.lines = lines.slice(-HISTORY_LINES);
  }

  static async open(file: string): Promise<History> {
    try {
      const text = await readFile(file, 'utf8');
      return new History(
        file,
        text.split('\n').filter((line) => line !== ''),
      );
    } catch (error) {
      if (error instanceof Error && Reflect.get(error, 'code') === 'ENOENT') return new History(file);
      // Somebody else's, or no file: the shell works without.
      return new History(null);
    }
  }

  add(text: string, catalogue: Catalogue): void {
    const line = withoutSecrets(text, catalogue)
      ?.replaceAll(/[ \t]*`?[ \t]*\r?\n\s*/g, ' ')
      .trim();
    if (line === undefined || line === '' || line.length > LONGEST || line === this.lines.at(-1)) return;
    this.lines.push(line);
    if (this.lines.length > HISTORY_LINES) this.lines.shift();
  }

  /** Readable for this user alone. A history that cannot be written is no reason to complain. */
  async save(): Promise<void> {
    if (this.#file === null) return;
    try {
      await mkdir(path.dirname(this.#file), { recursive: true, mode: 0o700 });
      await writeFile(this.#file, this.lines.map((line) => `${line}\n`).join(''), { mode: 0o600 });
    } catch (error) {
      if (!(error instanceof Error && /^E(ACCES|ROFS|PERM|NOSPC|NOTDIR)$/.test(String(Reflect.get(error, 'code'))))) {
        throw error;
      }
    }
  }
}

/** The text without values of secret parameters; null: better not kept at all. */
export function withoutSecrets(text: string, catalogue: Catalogue): string | null {
  const cuts: Span[] = [];
  try {
    for (const statement of parse(text)) {
      if (statement.assignTo !== null && SUSPICIOUS.test(statement.assignTo)) {
        const [stage] = statement.pipeline.stages;
        if (stage?.kind === 'expression' && holdsText(stage.value)) cuts.push(stage);
      }
      cuts.push(...secretsOf(statement.pipeline, catalogue));
    }
  } catch (error) {
    if (!(error instanceof ShellSyntaxError)) throw error;
    return SUSPICIOUS.test(text) ? null : text;
  }
  let kept = text;
  for (const { at, end } of cuts.toSorted((a, b) => b.at - a.at)) {
    // `-Password:x` becomes `-Password`.
    const from = kept.charAt(at - 1) === ':' ? at - 1 : at;
    kept = kept.slice(0, from).trimEnd() + kept.slice(end);
  }
  return kept;
}

const holdsText = (value: Value): boolean =>
  value.kind === 'text' || value.kind === 'template' || value.kind === 'list';

function* secretsOf(pipeline: Pipeline, catalogue: Catalogue): Iterable<Span> {
  for (const stage of pipeline.stages) {
    if (stage.kind === 'expression') {
      yield* secretsIn(stage.value, catalogue);
      continue;
    }
    const entry = catalogue.find(stage.name);
    if (entry === null) throw new ShellSyntaxError('unknown', stage.at);
    if (entry.kind === 'local' && entry.cmdlet.readsItself === true) continue;
    for (const { parameter, value } of pair(entry.help, stage, { oneShot: false }).pairings) {
      if (value === null) continue;
      // A variable or a question in brackets tells nothing.
      if (parameter.secret && value.kind !== 'variable' && value.kind !== 'group') yield value;
      else yield* secretsIn(value, catalogue);
    }
  }
}

function* secretsIn(value: Value, catalogue: Catalogue): Iterable<Span> {
  if (value.kind === 'group') yield* secretsOf(value.pipeline, catalogue);
  if (value.kind === 'list') for (const item of value.items) yield* secretsIn(item, catalogue);
}
