/** Points in time as people type them for a log or a search: a date, or a date with a time. */
import type { ValueType } from '../../directory/settings/value-types.ts';

/** Milliseconds since 1970. */
export const dateTime: ValueType<number> = (() => {
  const read = (value: unknown): number | undefined =>
    typeof value === 'number' && Number.isFinite(value) && Math.abs(value) <= 8.64e15 ? value : undefined;
  return {
    kind: 'DateTime',
    accepts: 'a date such as 2026-11-23, or a time such as 2026-11-23T09:30 (of this server) or 2026-11-23T09:30Z',
    choices: null,
    read,
    store: (value: number) => value,
    parse: (typed: string) => {
      const match = /^\s*(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:\d\d)?)?\s*$/i.exec(typed);
      if (match === null) return undefined;
      // Without a time zone: this server's, for a whole day, too (a bare date would be UTC to Date).
      return read(Date.parse(`${match[1]}T${match[2] ?? '00:00'}${match[3] ?? ''}`));
    },
    format: (value: number) => new Date(value).toISOString(),
  };
})();
