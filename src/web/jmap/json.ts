/** JSON as a type, and looking into it without trusting it. Pure. */

export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !isArray(value);

export const isArray = (value: Json | undefined): value is readonly Json[] => Array.isArray(value);

export const isStrings = (value: Json | undefined): value is readonly string[] =>
  isArray(value) && value.every((one) => typeof one === 'string');

/** Own property of that name: nothing is inherited from a prototype. */
export const property = (object: JsonObject, key: string): Json | undefined =>
  Object.hasOwn(object, key) ? object[key] : undefined;
