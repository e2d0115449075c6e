/** The door of the server as JMAP opens it (`urn:penfold:params:jmap:admin`): cmdlets, what they take, what comes out. */
import * as v from 'valibot';
import { method } from '../jmap/method.ts';

const quantity = v.object({ text: v.string(), value: v.nullable(v.number()) });
export type Cell = string | number | boolean | null | v.InferOutput<typeof quantity> | readonly Cell[];
const cell: v.GenericSchema<Cell> = v.lazy(() =>
  v.union([v.string(), v.number(), v.boolean(), v.null(), quantity, v.array(cell)]),
);
export type CmdletObject = Readonly<Record<string, Cell>>;

/** Values as the shell takes them: lists, nothing (`$null`), scalars. */
export type Parameters = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

const runAnswer = v.object({
  objects: v.array(v.record(v.string(), cell)),
  /** There is more than was asked for. */
  hasMore: v.boolean(),
  warnings: v.array(v.string()),
  /** What does the same in the shell. */
  commandLine: v.string(),
});
export type CmdletOutput = v.InferOutput<typeof runAnswer>;
export const cmdletRun = method('Cmdlet/run', 'admin', runAnswer);

const parameter = v.object({
  name: v.string(),
  kind: v.string(),
  accepts: v.string(),
  choices: v.nullable(v.array(v.string())),
  isList: v.boolean(),
  isSwitch: v.boolean(),
  required: v.boolean(),
  secret: v.boolean(),
  help: v.string(),
});
export type CmdletParameter = v.InferOutput<typeof parameter>;

const cmdlet = v.object({ name: v.string(), synopsis: v.string(), parameters: v.array(parameter) });
export type Cmdlet = v.InferOutput<typeof cmdlet>;
export const cmdletGet = method('Cmdlet/get', 'admin', v.object({ list: v.array(cmdlet) }));

/** As a table shows it. */
export function cellText(cell: Cell | undefined, language: string): string {
  if (cell === null || cell === undefined) return '';
  switch (typeof cell) {
    case 'string':
      return /^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/.test(cell) ? timeText(cell, language) : cell;
    case 'number':
      return cell.toLocaleString(language);
    case 'boolean':
      return cell ? '✓' : '–';
    default:
      return 'text' in cell ? cell.text : cell.map((one) => cellText(one, language)).join(', ');
  }
}

function timeText(iso: string, language: string): string {
  return new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' }).format(new Date(iso));
}

/** As a field holds it, so that the cmdlet reads it back; a list has a line for each item. */
export function fieldText(cell: Cell | undefined): string {
  if (cell === null || cell === undefined) return '';
  if (typeof cell !== 'object') return String(cell);
  return 'text' in cell ? cell.text.replace(/ \([\d,]+ bytes\)$/, '') : cell.map(fieldText).join('\n');
}

export const textOf = (object: CmdletObject, name: string): string => fieldText(object[name]);
