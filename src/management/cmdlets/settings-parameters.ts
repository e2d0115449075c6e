/**
 * Parameters, result properties and before-and-after texts, all read from a settings schema: a setting is written down
 * once, in directory/settings. Knows no particular setting.
 */
import type { Effect, SettingRow, SettingsSchema } from '../../directory/settings/schema.ts';
import type { ValueType } from '../../directory/settings/value-types.ts';
import type { Arguments, Cell, CmdletCall, Parameter } from '../cmdlet.ts';

/** One setting as a parameter. */
export interface SettingParameter {
  readonly row: SettingRow;
  readonly parameter: Parameter<unknown>;
}

const isListType = (type: ValueType<unknown>): type is ValueType<readonly unknown[]> =>
  type.kind.startsWith('MultiValuedProperty<');
const isListParameter = (parameter: Parameter<unknown>): parameter is Parameter<readonly unknown[]> =>
  isListType(parameter.type);

const EFFECT_WORDS: Readonly<Record<Effect, string>> = {
  live: 'Counts within a second, also for open sessions.',
  'new-sessions': 'Counts for sessions that begin after the change.',
  listeners: 'Listeners are opened and closed within a second; open sessions stay.',
  recorded: 'Kept for parity with Exchange; nothing acts on it.',
};

/**
 * Every setting of a schema as a parameter.
 * @param options.except keys that the cmdlet treats itself
 * @param options.misnomers names from Exchange's documentation that the schema knows as aliases (exchange-behaviour.md §12)
 */
export function settingParameters<S extends object>(
  schema: SettingsSchema<S>,
  options: { readonly except?: ReadonlyArray<keyof S & string>; readonly misnomers?: readonly string[] } = {},
): readonly SettingParameter[] {
  const except: readonly string[] = options.except ?? [];
  const misnomers = options.misnomers ?? [];
  return schema.rows
    .filter((row) => !except.includes(row.key))
    .map((row) => {
      const aliases = misnomers.filter((name) => schema.row(name) === row);
      const parameter: Parameter<unknown> = {
        name: row.name,
        type: row.type,
        help: [row.help, EFFECT_WORDS[row.effect], initialText(row)].join(' ').trim(),
        ...(aliases.length === 0 ? {} : { aliases }),
      };
      return { row, parameter };
    });
}

/** `Default: 00:30:00.`; nothing where it is empty or a name of the server. */
function initialText(row: SettingRow): string {
  const [one, other] = ['a.invalid', 'b.invalid'].map((fqdn) => row.type.format(row.initial({ fqdn })));
  return one === undefined || one === '' || one === '-' || one !== other ? '' : `Default: ${one}.`;
}

/** The given values as a patch; lists after `@{Add=…;Remove=…}` was applied to `current`. @throws Failure CANNOT */
export function patchFrom<S extends object>(
  args: Arguments,
  parameters: readonly SettingParameter[],
  current: S,
): Partial<S> {
  const patch: Partial<S> = {};
  for (const { row, parameter } of parameters) {
    if (!args.has(parameter)) continue;
    const now: unknown = Reflect.get(current, row.key);
    const value = isListParameter(parameter) && Array.isArray(now) ? args.edited(parameter, now) : args.get(parameter);
    if (value !== undefined) Reflect.set(patch, row.key, value);
  }
  return patch;
}

/** One value as the pipeline carries it: numbers stay numbers, what is read with a unit keeps its text. */
export function cellOf(type: ValueType<unknown>, value: unknown): Cell {
  if (isListType(type)) {
    const items: readonly unknown[] = Array.isArray(value) ? value : [];
    const none = type.format([]);
    if (items.length === 0) return none === '' ? [] : [none];
    // Each item by itself: a list of one is shown as that one.
    return items.map((one) => type.format([one]));
  }
  if (typeof value === 'boolean') return value;
  if (typeof value !== 'number') return type.format(value);
  if (type.kind === 'Int32') return value;
  return { text: type.format(value), value: Number.isFinite(value) ? value : null };
}

/** Every setting by its Exchange name, in table order. */
export function settingCells<S extends object>(
  schema: SettingsSchema<S>,
  settings: S,
  except: ReadonlyArray<keyof S & string> = [],
): Record<string, Cell> {
  const cells: Record<string, Cell> = {};
  const left: readonly string[] = except;
  for (const row of schema.rows)
    if (!left.includes(row.key)) cells[row.name] = cellOf(row.type, Reflect.get(settings, row.key));
  return cells;
}

export interface Change {
  readonly row: SettingRow;
  readonly before: unknown;
  readonly after: unknown;
}

/** What a patch really changes. */
export function changesOf<S extends object>(
  schema: SettingsSchema<S>,
  before: S,
  patch: Partial<S>,
): readonly Change[] {
  const changes: Change[] = [];
  for (const row of schema.rows) {
    const after: unknown = Reflect.get(patch, row.key);
    if (after === undefined) continue;
    const old: unknown = Reflect.get(before, row.key);
    if (JSON.stringify(row.type.store(old)) !== JSON.stringify(row.type.store(after)))
      changes.push({ row, before: old, after });
  }
  return changes;
}

const shown = (row: SettingRow, value: unknown): string => row.type.format(value) || '(empty)';

/** `MaxConnections 2147483647 → 100, Banner … → …`. */
export function changeText(changes: readonly Change[]): string {
  return changes.map(({ row, before, after }) => `${row.name} ${shown(row, before)} → ${shown(row, after)}`).join(', ');
}

/**
 * `Set PopSettings of server MAIL: MaxConnections 2147483647 → 100`, and when each value begins to count; an admin who
 * is asked reads what becomes of the sessions that are open.
 */
export function planText(head: string, changes: readonly Change[]): string {
  if (changes.length === 0) return `${head}: nothing to change, the values are those already`;
  const effects = [...new Set(changes.map(({ row }) => row.effect))];
  const when = effects.map((effect) => {
    const names = changes.filter(({ row }) => row.effect === effect).map(({ row }) => row.name);
    return effects.length === 1 ? EFFECT_WORDS[effect] : `${names.join(', ')}: ${EFFECT_WORDS[effect]}`;
  });
  return `${head}: ${changeText(changes)}. ${when.join(' ')}`;
}

/** Says what a change does not do: nothing was different, a value that nothing acts on, sessions that keep the old one. */
export function warnOfEffects(call: CmdletCall, head: string, changes: readonly Change[], openSessions: number): void {
  if (changes.length === 0) call.warn(`${head}: no setting was changed, the values are those already`);
  const recorded = changes.filter(({ row }) => row.effect === 'recorded').map(({ row }) => row.name);
  if (recorded.length > 0)
    call.warn(`${recorded.join(', ')}: kept for parity with Exchange, nothing acts on it (Get-Help says why)`);
  const later = changes.filter(({ row }) => row.effect === 'new-sessions').map(({ row }) => row.name);
  if (later.length > 0 && openSessions > 0)
    call.warn(
      `${openSessions} open session${openSessions === 1 ? ' keeps' : 's keep'} the old ${later.join(', ')} until the client connects again`,
    );
}
