/**
 * One table per kind of settings object: every setting once, with name, type, range, default, scope and help.
 * Validation, defaults, the shell, the API and the docs read these tables (design.md §7); nothing repeats them.
 */
import { nearestName } from '../../config/nearest-name.ts';
import { Failure } from '../../observe/failure.ts';
import type { ValueType } from './value-types.ts';

/** Which side uses the value when front end and back end are separate servers (exchange-behaviour.md §1.2). */
export type Scope = 'frontEnd' | 'backEnd' | 'both';

/**
 * When a change counts. `live`: within a second, also for open sessions. `new-sessions`: for sessions that start
 * after it. `listeners`: listeners are opened and closed within a second. `recorded`: kept and shown for parity with
 * Exchange; nothing in this version acts on it.
 */
export type Effect = 'live' | 'new-sessions' | 'listeners' | 'recorded';

/** What defaults may depend on. */
export interface DefaultsContext {
  readonly fqdn: string;
}

/** For settings that depend on no server: those of the organization, a database, a mailbox, a policy. */
export const NO_SERVER: DefaultsContext = { fqdn: 'localhost' };

export interface Setting<T> {
  /** The parameter name as Exchange's shell has it. */
  readonly name: string;
  readonly type: ValueType<T>;
  readonly scope: Scope;
  readonly effect: Effect;
  readonly help: string;
  initial(context: DefaultsContext): T;
}

/** One row as the shell and the docs see it: its key in model.ts beside the setting. */
export interface SettingRow extends Setting<unknown> {
  readonly key: string;
}

export class SettingsSchema<S extends object> {
  /** "PopSettings", for messages and docs. */
  readonly title: string;
  readonly rows: readonly SettingRow[];
  readonly #byKey: ReadonlyMap<string, SettingRow>;
  readonly #byName: ReadonlyMap<string, SettingRow>;

  /** `aliases`: names seen in Exchange's documentation that mean a setting (exchange-behaviour.md §12). */
  constructor(
    title: string,
    settings: { readonly [K in keyof S]-?: Setting<S[K]> },
    aliases: Readonly<Record<string, string>> = {},
  ) {
    this.title = title;
    this.rows = Object.entries<Setting<unknown>>(settings).map(([key, setting]) => ({ ...setting, key }));
    this.#byKey = new Map(this.rows.map((row) => [row.key, row]));
    const byName = new Map(this.rows.map((row) => [row.name.toLowerCase(), row]));
    for (const [alias, name] of Object.entries(aliases)) {
      const row = byName.get(name.toLowerCase());
      if (row !== undefined) byName.set(alias.toLowerCase(), row);
    }
    this.#byName = byName;
  }

  /** By Exchange's parameter name, in any case. @throws Failure CANNOT naming the nearest name */
  row(name: string): SettingRow {
    const row = this.#byName.get(name.toLowerCase());
    if (row !== undefined) return row;
    throw unknownName(
      this.title,
      name,
      this.rows.map((one) => one.name),
    );
  }

  /** All defaults for a server. */
  defaults(context: DefaultsContext): S {
    return this.#assemble(Object.fromEntries(this.rows.map((row) => [row.key, row.initial(context)])));
  }

  /**
   * Checks every value of a change by itself; rules between settings are in rules.ts.
   * @throws Failure CANNOT "MaxCommandSize must be 40–1024 bytes"
   */
  check(patch: Partial<S>): Partial<S> {
    const checked: Partial<S> = {};
    for (const [key, value] of Object.entries<unknown>(patch)) {
      if (value === undefined) continue;
      const row = this.#byKey.get(key);
      if (row === undefined) throw unknownName(this.title, key, [...this.#byKey.keys()]);
      const read = row.type.read(value);
      if (read === undefined) throw refused(row);
      Reflect.set(checked, key, read);
    }
    return checked;
  }

  /** `current` with `patch` on top; both checked before. */
  merge(current: S, patch: Partial<S>): S {
    return this.#assemble({ ...current, ...patch });
  }

  /** One value typed by a person, as a patch. @throws Failure CANNOT */
  parse(name: string, typed: string): Partial<S> {
    const row = this.row(name);
    const value = row.type.parse(typed);
    if (value === undefined) throw refused(row);
    const patch: Partial<S> = {};
    Reflect.set(patch, row.key, value);
    return patch;
  }

  /** Every setting of an object as name and text, in table order. */
  format(settings: S): ReadonlyArray<readonly [name: string, text: string]> {
    return this.rows.map((row) => [row.name, row.type.format(Reflect.get(settings, row.key))] as const);
  }

  /** JSON of the values in `patch`. */
  store(patch: Partial<S>): Record<string, unknown> {
    const stored: Record<string, unknown> = {};
    for (const row of this.rows) {
      const value: unknown = Reflect.get(patch, row.key);
      if (value !== undefined) stored[row.key] = row.type.store(value);
    }
    return stored;
  }

  /**
   * What `store` wrote, on top of the defaults. A stored value that is no longer acceptable (a range narrowed by an
   * upgrade) gives way to the default; `onRefused` hears of it, so that it is logged and not silently lost.
   */
  load(stored: unknown, context: DefaultsContext, onRefused: (name: string) => void): S {
    const values: Record<string, unknown> = {};
    for (const row of this.rows) {
      const raw: unknown = typeof stored === 'object' && stored !== null ? Reflect.get(stored, row.key) : undefined;
      const read = raw === undefined ? undefined : row.type.read(raw);
      if (raw !== undefined && read === undefined) onRefused(row.name);
      values[row.key] = read === undefined ? row.initial(context) : read;
    }
    return this.#assemble(values);
  }

  #assemble(values: object): S {
    if (!this.#conforms(values)) throw new Error(`${this.title}: a value broke its own type`);
    return values;
  }

  #conforms(values: object): values is S {
    return this.rows.every((row) => row.type.read(Reflect.get(values, row.key)) !== undefined);
  }
}

function refused(row: SettingRow): Failure {
  return new Failure('CANNOT', `${row.name} must be ${row.type.accepts}`);
}

function unknownName(title: string, name: string, names: readonly string[]): Failure {
  const nearest = nearestName(name, names);
  const hint = nearest === null ? '' : `; did you mean ${nearest}?`;
  return new Failure('CANNOT', `${title} has no setting ${name}${hint}`);
}
