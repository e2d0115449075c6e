/**
 * What a cmdlet is: a verb and a noun, typed parameters, who may run it, what it does. The one door (door.ts) runs
 * them for the shell, for one-shot commands, for the admin API and for the web pages; none of these knows more than
 * this file. One file per noun in cmdlets/, one row in cmdlets/table.ts.
 *
 * A cmdlet that changes something first makes a plan: it resolves identities and checks every value, so that -WhatIf
 * and the question before a dangerous change tell exactly what would happen.
 */
import type { Directory } from '../directory/api.ts';
import type { RoleGroup, Server } from '../directory/model.ts';
import type { ValueType } from '../directory/settings/value-types.ts';
import type { Log } from '../observe/log.ts';
import type { MailStore, RunningServices } from './services-of-instance.ts';

/** A number that people read with a unit: sizes, times. JSON knows no infinity, so `unlimited` is null. */
export interface Quantity {
  readonly text: string;
  readonly value: number | null;
}

/** One property of a result. Dates are ISO 8601 text in UTC. */
export type Cell = string | number | boolean | null | Quantity | readonly Cell[];

/** What comes out of a cmdlet and runs through the pipeline, with Exchange's property names in the order shown. */
export type CmdletObject = Readonly<Record<string, Cell>>;

/** `@{Add=…;Remove=…}` for a list (exchange-behaviour.md §1.3). */
export interface ListEdit {
  readonly add: readonly RawScalar[];
  readonly remove: readonly RawScalar[];
}
export type RawScalar = string | number | boolean;
/** A value as it arrives at the door, from the shell or as JSON: `null` is `$null`. `{a,b}` and `a,b` are lists. */
export type RawArgument = RawScalar | null | readonly RawScalar[] | ListEdit;

export interface Parameter<T> {
  /** As Exchange writes it. */
  readonly name: string;
  readonly aliases?: readonly string[];
  /** Checks and converts; its `accepts` stands in the refusal, its `choices` complete. */
  readonly type: ValueType<T>;
  readonly required?: boolean;
  /** Bound without its name, from 1. */
  readonly position?: number;
  /** True for a switch: `-LightMode` alone means true. */
  readonly isSwitch?: boolean;
  /** Takes `Identity` (or the property of its own name) of the object that comes through the pipeline. */
  readonly fromPipeline?: boolean;
  /** Never shown, logged or completed. */
  readonly secret?: boolean;
  readonly help: string;
  /** What Tab offers for a value beside `type.choices`: names of connectors, mailboxes, … */
  complete?(services: ManagementServices, typed: string): Promise<readonly string[]>;
}

/** Bound and checked arguments of one call. */
export interface Arguments {
  has(parameter: Parameter<unknown>): boolean;
  /** @throws Failure CANNOT when it was not given */
  get<T>(parameter: Parameter<T>): T;
  optional<T>(parameter: Parameter<T>): T | undefined;
  /**
   * A list value after `@{Add=…;Remove=…}` or a plain list was applied to what is set now. Undefined: not given.
   * @throws Failure CANNOT when something is to be removed that is not there
   */
  edited<T>(parameter: Parameter<readonly T[]>, current: readonly T[]): readonly T[] | undefined;
  /** Names of the parameters that were given, in the cmdlet's order. */
  readonly given: readonly string[];
}

export interface Caller {
  /** Logon name, or `local:<system user>`: who may open the control socket is in Organization Management. */
  readonly user: string;
  readonly roles: readonly RoleGroup[];
  readonly via: 'shell' | 'command' | 'api' | 'web';
}

/** What cmdlets work with. */
export interface ManagementServices {
  /** Writes leave the caller's name in the audit log. */
  readonly directory: Directory;
  /** The server this runs on: what `-Server` means when it is missing. */
  readonly server: Server;
  /** The mailboxes of this server. @throws Failure UNAVAILABLE where nothing can open them */
  readonly mail: MailStore;
  /** Absolute: where imports note what they have taken, and files to import and export lie. Missing: neither is possible. */
  readonly transferFolder?: string;
  /** Null: no server runs on the data directory; cmdlets that need one say how to start it. */
  readonly running: RunningServices | null;
  readonly log: Log;
}

export interface CmdletCall {
  readonly args: Arguments;
  readonly services: ManagementServices;
  readonly caller: Caller;
  /** Aborted when the caller has gone away. */
  readonly signal: AbortSignal;
  /** A yellow line beside the result: allowed, and probably not meant. */
  warn(text: string): void;
  /** For work that takes time. `total` null: unknown. */
  progress(done: number, total: number | null, activity: string): void;
}

/** What would be done, ready to be done. */
export interface Plan {
  /** `Set PopSettings of server mail: MaxConnections 2147483647 → 100`: for -WhatIf and for the question. */
  readonly what: string;
  /** True: asked unless `-Confirm:$false` (something is removed, sessions end, passwords cross in the clear). */
  readonly dangerous: boolean;
  /** What it leaves, for the pipeline; most Set cmdlets leave nothing. */
  apply(): AsyncIterable<CmdletObject>;
}

interface CmdletFacts {
  /** `Get-PopSettings`. */
  readonly name: string;
  /** Other names admins type (`Set-Imap4Settings`: exchange-behaviour.md §12). */
  readonly aliases?: readonly string[];
  /** One line. */
  readonly synopsis: string;
  /** Paragraphs: what to know, what Exchange does otherwise. */
  readonly description?: string;
  readonly parameters: readonly Parameter<unknown>[];
  /** At least one; a test runs every line. `<Server Name>` stands for this server's name, `<Mailbox>` for one that is there. */
  readonly examples: ReadonlyArray<{ readonly line: string; readonly says: string }>;
  /** Who may run it; `View-Only Organization Management` only reads. */
  readonly roles: readonly RoleGroup[];
  /** Columns of the table it is shown as; empty: shown as a list of all properties. */
  readonly columns: readonly string[];
}

export interface ReadingCmdlet extends CmdletFacts {
  readonly changes: false;
  /** One at a time, so that ten thousand mailboxes stream. @throws Failure */
  run(call: CmdletCall): AsyncIterable<CmdletObject>;
}

/** Has -WhatIf and -Confirm. */
export interface ChangingCmdlet extends CmdletFacts {
  readonly changes: true;
  /** @throws Failure when a value cannot be: nothing has been changed then */
  plan(call: CmdletCall): Promise<Plan>;
}

export type Cmdlet = ReadingCmdlet | ChangingCmdlet;
