/** How much a mailbox holds and may hold (RFC 9425). */
import * as v from 'valibot';
import { getAnswer, method } from '../jmap/method.ts';

const quota = v.object({
  id: v.string(),
  used: v.number(),
  hardLimit: v.number(),
  warnLimit: v.optional(v.nullable(v.number())),
});
export const quotaGet = method('Quota/get', 'quota', getAnswer(quota));

/** The server's word for no limit: the largest number of JMAP (RFC 8620 §1.3). */
export const isUnlimited = (limit: number): boolean => limit >= Number.MAX_SAFE_INTEGER;

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;

export function sizeText(octets: number, language: string): string {
  let value = octets;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return new Intl.NumberFormat(language, {
    style: 'unit',
    unit: UNITS[unit] ?? 'byte',
    unitDisplay: 'short',
    maximumFractionDigits: value < 10 && unit > 0 ? 1 : 0,
  }).format(value);
}
