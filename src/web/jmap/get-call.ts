/** What /get has in common for records that are small and at hand (RFC 8620 §5.1). Knows no data type. */
import type { MethodArguments } from './arguments.ts';
import type { JsonObject } from './json.ts';
import { MethodError } from './method-error.ts';
import { JMAP_LIMITS } from './request.ts';

export const GET_ARGUMENTS = ['accountId', 'ids', 'properties'] as const;

/** `list` and `notFound`, in the order asked. `records`: all there are. @throws MethodError */
export function carryOutGet(
  args: MethodArguments,
  properties: readonly string[],
  records: ReadonlyMap<string, JsonObject>,
): { readonly list: readonly JsonObject[]; readonly notFound: readonly string[] } {
  const wanted = new Set(['id', ...(args.strings('properties') ?? properties)]);
  const unknown = [...wanted].find((name) => !properties.includes(name));
  if (unknown !== undefined)
    throw new MethodError('invalidArguments', `there is no property "${unknown.slice(0, 100)}" here`);
  const ids = args.ids('ids');
  if (ids !== null && ids.length > JMAP_LIMITS.maxObjectsInGet)
    throw new MethodError('requestTooLarge', `at most ${JMAP_LIMITS.maxObjectsInGet} ids`);
  const list: JsonObject[] = [];
  const notFound: string[] = [];
  for (const id of new Set(ids ?? records.keys())) {
    const record = records.get(id);
    if (record === undefined) notFound.push(id);
    else list.push(Object.fromEntries(Object.entries(record).filter(([name]) => wanted.has(name))));
  }
  return { list, notFound };
}
