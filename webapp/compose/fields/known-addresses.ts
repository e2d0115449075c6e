/**
 * People one has written to, as completion knows them: counted, the recent ones first. Kept in this browser until the
 * person signs out. Pure but for the storage it is given.
 */
import * as v from 'valibot';
import { type Address, isDeliverable, keyOf } from './address-list.ts';

/** More than anybody remembers; the least used ones go. */
export const KNOWN_ADDRESSES = 2_000;
export const SUGGESTIONS = 8;
/** A message of half a year ago counts half. */
const HALF_LIFE_MS = 182 * 86_400_000;

const knownSchema = v.object({
  name: v.nullable(v.string()),
  email: v.string(),
  count: v.number(),
  /** Milliseconds since 1970. */
  last: v.number(),
});
export type Known = v.InferOutput<typeof knownSchema>;
const storedSchema = v.object({
  /** Messages up to here have been counted. */ until: v.string(),
  known: v.array(knownSchema),
});

export interface Remembered {
  readonly until: string;
  readonly known: ReadonlyMap<string, Known>;
}

export const NOBODY: Remembered = { until: '', known: new Map() };

export function readRemembered(text: string | null): Remembered {
  if (text === null) return NOBODY;
  try {
    const { until, known } = v.parse(storedSchema, JSON.parse(text));
    return { until, known: new Map(known.map((one) => [keyOf(one), one])) };
  } catch {
    // Of another version, or torn: it is counted again.
    return NOBODY;
  }
}

export const writtenRemembered = ({ until, known }: Remembered): string =>
  JSON.stringify({ until, known: [...known.values()] });

export interface SentMessage {
  readonly sentAt: number;
  readonly recipients: readonly Address[];
}

export function remember({ known, until }: Remembered, sent: readonly SentMessage[], nextUntil = until): Remembered {
  const next = new Map(known);
  for (const { sentAt, recipients } of sent)
    for (const address of recipients) {
      if (!isDeliverable(address.email)) continue;
      const key = keyOf(address);
      const before = next.get(key);
      const isNewer = before === undefined || sentAt >= before.last;
      next.set(key, {
        name: (isNewer ? address.name : null) ?? before?.name ?? address.name,
        email: isNewer ? address.email : before.email,
        count: (before?.count ?? 0) + 1,
        last: Math.max(before?.last ?? 0, sentAt),
      });
    }
  if (next.size <= KNOWN_ADDRESSES) return { until: nextUntil, known: next };
  const now = Math.max(...[...next.values()].map(({ last }) => last));
  const best = [...next].toSorted(([, one], [, other]) => weight(other, now) - weight(one, now));
  return { until: nextUntil, known: new Map(best.slice(0, KNOWN_ADDRESSES)) };
}

const weight = ({ count, last }: Known, now: number): number => count * 0.5 ** (Math.max(0, now - last) / HALF_LIFE_MS);

/** Whose address or a word of whose name begins so; the ones that are written to most before others. */
export function suggestions(
  typed: string,
  { known }: Remembered,
  { taken, now }: { readonly taken: ReadonlySet<string>; readonly now: number },
): readonly Address[] {
  const words = folded(typed)
    .split(/\s+/u)
    .filter((word) => word !== '');
  if (words.length === 0) return [];
  const fits = (address: Address): boolean => {
    if (taken.has(keyOf(address))) return false;
    const email = folded(address.email);
    const names = folded(address.name ?? '').split(/[\s,.'()-]+/u);
    const [local = '', domain = ''] = email.split('@');
    return words.every(
      (word) =>
        email.startsWith(word) ||
        domain.startsWith(word.replace(/^@/, '')) ||
        [...names, ...local.split(/[._-]/)].some((name) => name.startsWith(word)),
    );
  };
  return [...known.values()]
    .filter(fits)
    .toSorted((one, other) => weight(other, now) - weight(one, now))
    .slice(0, SUGGESTIONS)
    .map(({ name, email }) => ({ name, email }));
}

/** Accents and case do not matter to who types. */
const folded = (text: string): string => text.normalize('NFD').replaceAll(/\p{M}/gu, '').toLowerCase();
