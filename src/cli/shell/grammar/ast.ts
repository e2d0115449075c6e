/**
 * What a line of the shell says, before anybody knows which cmdlets there are. The language is the part of
 * PowerShell's that administrators type (exchange-behaviour.md §1.3, §7.4, §12): commands and pipelines, named
 * arguments, lists, `{…}`, `@{Add=…;Remove=…}`, variables. What is not there, on purpose: `if`, loops, functions,
 * script blocks that run, arithmetic, `$(…)`, indexes, method calls, redirections, calculated properties.
 *
 * Offsets (`at`, `end`) point into the text that was read.
 */

export interface Span {
  readonly at: number;
  readonly end: number;
}

export interface VariableReference {
  /** Without `$`, as typed; case does not matter. `_` is the object at hand. */
  readonly name: string;
  /** `$x.Owner.Name`: Owner, Name. */
  readonly path: readonly string[];
}

export type Value = Span &
  (
    | { readonly kind: 'text'; readonly text: string }
    /** `"Mailbox $name"`: text and variables. */
    | { readonly kind: 'template'; readonly parts: ReadonlyArray<string | VariableReference> }
    | { readonly kind: 'constant'; readonly value: boolean | null }
    | ({ readonly kind: 'variable' } & VariableReference)
    /** `a,b` and `@(a; b)`; lists inside lists are flattened. */
    | { readonly kind: 'list'; readonly items: readonly Value[] }
    /** `{…}`: words or a predicate, as the parameter wants it. `inner` begins at offset `innerAt`. */
    | { readonly kind: 'block'; readonly inner: string; readonly innerAt: number }
    /** `@{Add=a,b; Remove=c}`; keys as typed. */
    | { readonly kind: 'edit'; readonly entries: ReadonlyArray<{ readonly key: string; readonly value: Value }> }
    /** `(Get-Mailbox ada).Database` */
    | { readonly kind: 'group'; readonly pipeline: Pipeline; readonly path: readonly string[] }
  );

export interface ParameterWord extends Span {
  readonly kind: 'parameter';
  /** Without the dash, as typed. */
  readonly name: string;
  /** Of `-Name:value`; null for `-Name`, whose value may follow as an argument of its own. */
  readonly attached: Value | null;
}

export type Argument = ParameterWord | Value;

export interface Command extends Span {
  readonly kind: 'command';
  readonly name: string;
  readonly arguments: readonly Argument[];
}

/** Only at the beginning of a pipeline: `$users | Set-Mailbox …`. */
export interface Expression extends Span {
  readonly kind: 'expression';
  readonly value: Value;
}

export type Stage = Command | Expression;

export interface Pipeline extends Span {
  readonly stages: readonly Stage[];
}

export interface Statement extends Span {
  /** Of `$x = …`; null when the result is shown. */
  readonly assignTo: string | null;
  readonly pipeline: Pipeline;
}
