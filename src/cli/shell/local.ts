/** What a cmdlet of the shell itself is: one that runs here, on the stream, and never at the server. */
import type { RawArgument } from '../../management/cmdlet.ts';
import type { CmdletHelp, ParameterHelp } from '../../management/help.ts';
import type { Catalogue } from './catalogue.ts';
import type { Cell } from '../../management/cmdlet.ts';
import type { Command, Value } from './grammar/ast.ts';
import type { Stream } from './items.ts';

/** How it is typed: seen, unseen, or unseen and twice because nobody could tell a slip of the finger later. */
export type Reading = 'shown' | 'secret' | 'new secret';

/** What the shell around a pipeline gives to its stages. */
export interface Surroundings {
  readonly signal: AbortSignal;
  /** Columns of the terminal; null: a file or a pipe, nothing is cut. */
  readonly width: number | null;
  readonly catalogue: Catalogue;
  readonly serverName: string;
  history(): readonly string[];
  /** What a person types. @throws Failure CANNOT where nobody is to be asked */
  read(prompt: string, how: Reading): Promise<string>;
  clear(): void;
  /** Ends the shell behind this pipeline. */
  leave(exitCode: number): void;
  /** Value of a variable, a list, a pipeline in brackets. */
  evaluate(value: Value): Promise<Cell>;
}

export interface LocalCall {
  readonly args: LocalArguments;
  /** For those that read their arguments themselves. */
  readonly command: Command;
  /** Null: the first of its pipeline. */
  readonly input: Stream | null;
  readonly around: Surroundings;
}

export interface LocalCmdlet {
  readonly help: CmdletHelp;
  /** True: reads `command.arguments` itself (Where-Object). */
  readonly readsItself?: boolean;
  /** True: begins a pipeline; false: needs one before it. */
  readonly begins: boolean;
  run(call: LocalCall): Stream | Promise<Stream>;
}

interface LocalParameter {
  readonly name: string;
  readonly help: string;
  readonly kind?: 'String' | 'Int32' | 'SwitchParameter' | 'String[]' | 'ScriptBlock' | 'SecureString';
  readonly position?: number;
  readonly aliases?: readonly string[];
  readonly choices?: readonly string[];
  readonly required?: boolean;
}

export interface LocalFacts {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly synopsis: string;
  readonly description?: string;
  readonly parameters: readonly LocalParameter[];
  readonly examples: ReadonlyArray<{ readonly line: string; readonly says: string }>;
}

/** The same description that cmdlets of the server have, so that help and completion treat all alike. */
export function localHelp(facts: LocalFacts): CmdletHelp {
  return {
    name: facts.name,
    aliases: [...(facts.aliases ?? [])],
    synopsis: facts.synopsis,
    description: facts.description ?? '',
    changes: false,
    parameters: facts.parameters.map((one): ParameterHelp => {
      const kind = one.kind ?? 'String';
      return {
        name: one.name,
        aliases: [...(one.aliases ?? [])],
        kind,
        accepts: acceptsOf(kind),
        choices: one.choices === undefined ? null : [...one.choices],
        isList: kind === 'String[]',
        isSwitch: kind === 'SwitchParameter',
        required: one.required ?? false,
        position: one.position ?? null,
        fromPipeline: false,
        secret: kind === 'SecureString',
        completes: false,
        help: one.help,
      };
    }),
    examples: facts.examples.map(({ line, says }) => ({ line, says })),
    roles: [],
    columns: [],
  };
}

function acceptsOf(kind: NonNullable<LocalParameter['kind']>): string {
  switch (kind) {
    case 'Int32':
      return 'a whole number';
    case 'String[]':
      return 'one or more names, with commas between';
    case 'ScriptBlock':
      return 'a condition in braces, such as { $_.Name -like "a*" }';
    case 'SwitchParameter':
      return 'nothing, or $true or $false';
    default:
      return 'text';
  }
}

/** Arguments of a local cmdlet, by full names. */
export class LocalArguments {
  readonly #values: ReadonlyMap<string, RawArgument>;
  readonly #refuse: (parameter: string, must: string) => Error;

  constructor(values: ReadonlyMap<string, RawArgument>, refuse: (parameter: string, must: string) => Error) {
    this.#values = values;
    this.#refuse = refuse;
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  text(name: string): string | null {
    const value = this.#values.get(name);
    if (value === undefined || value === null) return null;
    if (typeof value === 'object') throw this.#refuse(name, 'one value');
    return String(value);
  }

  on(name: string): boolean {
    return this.#values.get(name) === true;
  }

  /** From `least` up. */
  number(name: string, least: number): number | null {
    const value = this.#values.get(name);
    if (value === undefined) return null;
    const number = Number(value);
    if (!Number.isSafeInteger(number) || number < least) throw this.#refuse(name, `a whole number from ${least}`);
    return number;
  }

  /** Words may hold commas themselves where the system's shell has joined them. */
  list(name: string): readonly string[] | null {
    const value = this.#values.get(name);
    if (value === undefined || value === null) return null;
    if (typeof value === 'object' && !Array.isArray(value)) throw this.#refuse(name, 'a list of names');
    const items: readonly unknown[] = Array.isArray(value) ? value : [value];
    return items.flatMap((one) =>
      String(one)
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    );
  }
}
