/** Arguments of a method, read by name and type; what does not fit is `invalidArguments` (RFC 8620 §3.6.2). Pure. */
import { isArray, isObject, isStrings, type Json, type JsonObject, property } from './json.ts';
import { MethodError } from './method-error.ts';

/** RFC 8620 §1.2: 1–255 characters of the URL-safe base64 alphabet. */
const ID = /^[A-Za-z0-9_-]{1,255}$/;
export const isId = (value: Json | undefined): value is string => typeof value === 'string' && ID.test(value);

const wrong = (name: string, wanted: string): MethodError =>
  new MethodError('invalidArguments', `${name} must be ${wanted}`, { arguments: [name] });

export class MethodArguments {
  readonly #args: JsonObject;

  /** @throws MethodError when there are others than `known` */
  constructor(args: JsonObject, known: readonly string[]) {
    const unknown = Object.keys(args).find((name) => !known.includes(name));
    if (unknown !== undefined)
      throw new MethodError('invalidArguments', `there is no argument ${unknown.slice(0, 100)} here`);
    this.#args = args;
  }

  /** Null where it is missing, too. */
  json(name: string): Json {
    return property(this.#args, name) ?? null;
  }

  id(name: string): string {
    const value = this.json(name);
    if (!isId(value)) throw wrong(name, 'an id');
    return value;
  }

  optionalText(name: string): string | null {
    const value = this.json(name);
    if (value === null || typeof value === 'string') return value;
    throw wrong(name, 'a string or null');
  }

  /** Ids may be creation ids (`#x`), so that text is not checked further. */
  ids(name: string): readonly string[] | null {
    return this.strings(name);
  }

  strings(name: string): readonly string[] | null {
    const value = this.json(name);
    if (value === null || isStrings(value)) return value;
    throw wrong(name, 'a list of strings or null');
  }

  flag(name: string): boolean {
    const value = this.json(name);
    if (value === null) return false;
    if (typeof value === 'boolean') return value;
    throw wrong(name, 'true or false');
  }

  /** UnsignedInt or Int of RFC 8620 §1.3. */
  whole(name: string, least: number, missing: number): number {
    const value = this.json(name);
    if (value === null) return missing;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least) return value;
    throw wrong(name, `a whole number from ${least} on`);
  }

  object(name: string): JsonObject | null {
    const value = this.json(name);
    if (value === null || isObject(value)) return value;
    throw wrong(name, 'an object or null');
  }

  list(name: string): readonly Json[] | null {
    const value = this.json(name);
    if (value === null || isArray(value)) return value;
    throw wrong(name, 'a list or null');
  }
}
