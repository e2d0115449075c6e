/**
 * References to previous results within a request (RFC 8620 §3.7): `#ids: { resultOf, name, path }` where the path is
 * a JSON Pointer (RFC 6901) in which `*` goes through every item of a list. Pure.
 */
import { isArray, isObject, type Json, type JsonObject, property } from './json.ts';
import { MethodError } from './method-error.ts';
import type { Invocation } from './request.ts';

const PATH_CHARACTERS = 512;
/** Values that one reference may gather. */
export const REFERENCED_VALUES = 100_000;

/** @throws MethodError invalidArguments (both `#x` and `x`), invalidResultReference */
export function resolveReferences(args: JsonObject, answers: readonly Invocation[]): JsonObject {
  if (!Object.keys(args).some((key) => key.startsWith('#'))) return args;
  const resolved: Record<string, Json | undefined> = {};
  for (const [key, value] of Object.entries(args)) {
    if (!key.startsWith('#')) {
      resolved[key] = value;
      continue;
    }
    const name = key.slice(1);
    if (Object.hasOwn(args, name)) throw new MethodError('invalidArguments', `both ${name} and #${name} are given`);
    resolved[name] = lookUp(value, answers);
  }
  return resolved;
}

function lookUp(reference: Json | undefined, answers: readonly Invocation[]): Json {
  if (!isObject(reference)) throw bad('a reference is an object with resultOf, name and path');
  const resultOf = property(reference, 'resultOf');
  const name = property(reference, 'name');
  const path = property(reference, 'path');
  if (typeof resultOf !== 'string' || typeof name !== 'string' || typeof path !== 'string')
    throw bad('a reference has resultOf, name and path, all of them strings');
  const answer = answers.find((one) => one.callId === resultOf);
  if (answer === undefined) throw bad(`no call before this one has the id ${resultOf.slice(0, 100)}`);
  if (answer.name !== name)
    throw bad(`the answer to ${resultOf.slice(0, 100)} is ${answer.name}, not ${name.slice(0, 100)}`);
  if (path.length > PATH_CHARACTERS || (path !== '' && !path.startsWith('/'))) throw bad('the path is no JSON Pointer');
  const steps = path
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
  return follow(answer.args, steps, { left: REFERENCED_VALUES });
}

function follow(from: Json, steps: readonly string[], budget: { left: number }): Json {
  const [step, ...rest] = steps;
  if (step === undefined) return from;
  if (step === '*' && isArray(from)) {
    const gathered: Json[] = [];
    for (const item of from) {
      const found = follow(item, rest, budget);
      const values = isArray(found) ? found : [found];
      budget.left -= values.length;
      if (budget.left < 0) throw bad(`a reference gathers at most ${REFERENCED_VALUES} values`);
      for (const value of values) gathered.push(value);
    }
    return gathered;
  }
  const next = isArray(from)
    ? /^(0|[1-9][0-9]{0,9})$/.test(step)
      ? from[Number(step)]
      : undefined
    : isObject(from)
      ? property(from, step)
      : undefined;
  if (next === undefined) throw bad(`there is nothing at ${step.slice(0, 100)}`);
  return follow(next, rest, budget);
}

const bad = (text: string): MethodError => new MethodError('invalidResultReference', text);
