/**
 * The three calls of the Metadata Reflection proposal that tsyringe (below @peculiar/x509) wants to find on Reflect.
 * Import before @peculiar/x509. Knows nothing of certificates.
 */
const store = new WeakMap<object, Map<unknown, unknown>>();

function own(key: unknown, target: object): unknown {
  return store.get(target)?.get(key);
}

function inherited(key: unknown, target: object): unknown {
  for (let at: unknown = target; typeof at === 'object' || typeof at === 'function'; at = Object.getPrototypeOf(at)) {
    if (at === null) return undefined;
    if (store.get(at)?.has(key) === true) return own(key, at);
  }
  return undefined;
}

function define(key: unknown, value: unknown, target: object): void {
  const known = store.get(target);
  if (known === undefined) store.set(target, new Map([[key, value]]));
  else known.set(key, value);
}

if (!('getMetadata' in Reflect))
  Object.defineProperties(Reflect, {
    getMetadata: { value: inherited, configurable: true, writable: true },
    getOwnMetadata: { value: own, configurable: true, writable: true },
    defineMetadata: { value: define, configurable: true, writable: true },
  });
