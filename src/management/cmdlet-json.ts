/**
 * Calls and answers of cmdlets as JSON, the same on the control socket and over HTTPS: what a client may send as
 * arguments, and the lines that come back (RFC 8259, one value a line). Pure.
 */
import * as v from 'valibot';
import { Failure, type FailureCode } from '../observe/failure.ts';
import type { RawArguments } from './binding.ts';
import type { CmdletObject, ListEdit, RawArgument, RawScalar } from './cmdlet.ts';

const scalarSchema = v.union([v.string(), v.boolean(), v.pipe(v.number(), v.finite())]);
const cellSchema: v.GenericSchema<CmdletObject[string]> = v.lazy(() =>
  v.union([
    scalarSchema,
    v.null(),
    v.strictObject({ text: v.string(), value: v.nullable(v.number()) }),
    v.array(cellSchema),
  ]),
);
export const cmdletObjectSchema = v.record(v.string(), cellSchema);

/** What a stream of a cmdlet's output consists of; `end` or `error` or `question` is the last line. */
export const outputLineSchema = v.union([
  v.strictObject({ object: cmdletObjectSchema }),
  v.strictObject({ warning: v.string() }),
  v.strictObject({ progress: v.object({ done: v.number(), total: v.nullable(v.number()), activity: v.string() }) }),
  v.strictObject({ question: v.string() }),
  v.strictObject({ error: v.object({ code: v.string(), text: v.string() }) }),
  v.strictObject({ end: v.literal(true) }),
]);
export type OutputLine = v.InferOutput<typeof outputLineSchema>;

const CODES: readonly FailureCode[] = [
  'ALREADYEXISTS',
  'AUTHENTICATIONFAILED',
  'AUTHORIZATIONFAILED',
  'CANNOT',
  'CLIENTBUG',
  'CONTACTADMIN',
  'CORRUPTION',
  'EXPIRED',
  'INUSE',
  'LIMIT',
  'NONEXISTENT',
  'NOPERM',
  'OVERQUOTA',
  'PRIVACYREQUIRED',
  'TOOBIG',
  'UNAVAILABLE',
];

/** A failure that came as JSON; unknown codes become SERVERBUG. */
export function failureOf(error: { readonly code: string; readonly text: string }): Failure {
  return new Failure(CODES.find((code) => code === error.code) ?? 'SERVERBUG', error.text);
}

/** What a client is told of an error: a bug keeps its text to the log. */
export function errorFacts(error: unknown): { readonly code: FailureCode; readonly text: string } {
  return error instanceof Failure
    ? { code: error.code, text: error.message }
    : { code: 'SERVERBUG', text: 'an internal error; see the log' };
}

/** Arguments as JSON: scalars, null, lists of scalars, `{"Add": …, "Remove": …}`. @throws Failure CANNOT */
export function readRawArguments(json: unknown): RawArguments {
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new Failure('CANNOT', 'arguments must be a JSON object: { "ParameterName": value, … }');
  const read: Record<string, RawArgument> = {};
  for (const [name, value] of Object.entries(json)) {
    Object.defineProperty(read, name, { value: readArgument(name, value), enumerable: true });
  }
  return read;
}

function readArgument(name: string, value: unknown): RawArgument {
  if (value === null || isScalar(value)) return value;
  if (Array.isArray(value)) return readScalars(name, value);
  if (typeof value !== 'object') throw unreadable(name);
  const edit: { add: ListEdit['add']; remove: ListEdit['remove'] } = { add: [], remove: [] };
  for (const [key, items] of Object.entries(value)) {
    const part = key.toLowerCase();
    if (part !== 'add' && part !== 'remove') throw unreadable(name);
    edit[part] = readScalars(name, Array.isArray(items) ? items : [items]);
  }
  return edit;
}

function readScalars(name: string, values: readonly unknown[]): readonly RawScalar[] {
  const scalars: RawScalar[] = [];
  for (const value of values) {
    if (!isScalar(value)) throw unreadable(name);
    scalars.push(value);
  }
  return scalars;
}

const isScalar = (value: unknown): value is RawScalar =>
  typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value));

const unreadable = (name: string): Failure =>
  new Failure(
    'CANNOT',
    `${name.slice(0, 80)} must be a string, number, boolean, null, a list of these, or { "Add": [ … ], "Remove": [ … ] }`,
  );
