/** Dates as people read them in a list (short, near ones by time) and in a message (whole). Pure but for the time zone. */

const formatters = new Map<string, Intl.DateTimeFormat>();

function formatter(language: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${language} ${JSON.stringify(options)}`;
  const known = formatters.get(key);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat(language, options);
  formatters.set(key, made);
  return made;
}

const WEEK_DAYS = 6;
const dayOf = (date: Date): number => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();

/** Today the time, within the last days the weekday, this year day and month, else day, month and year. */
export function listDate(iso: string, language: string, now = new Date()): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return '';
  const days = Math.round((dayOf(now) - dayOf(date)) / 86_400_000);
  if (days === 0) return formatter(language, { hour: 'numeric', minute: '2-digit' }).format(date);
  if (days > 0 && days <= WEEK_DAYS)
    return formatter(language, { weekday: 'short', hour: 'numeric', minute: '2-digit' }).format(date);
  if (date.getFullYear() === now.getFullYear())
    return formatter(language, { day: 'numeric', month: 'short' }).format(date);
  return formatter(language, { day: 'numeric', month: 'numeric', year: 'numeric' }).format(date);
}

export function wholeDate(iso: string, language: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  return formatter(language, { dateStyle: 'full', timeStyle: 'short' }).format(date);
}

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte'] as const;

export function fileSize(octets: number, language: string): string {
  let value = octets;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return new Intl.NumberFormat(language, {
    style: 'unit',
    unit: UNITS[unit] ?? 'byte',
    unitDisplay: 'short',
    maximumFractionDigits: value < 10 && unit > 0 ? 1 : 0,
  }).format(value);
}
