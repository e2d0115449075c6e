/**
 * The kinds of value a setting can have: what is accepted, how it is typed on a command line, shown, and stored.
 * Syntax is Exchange's (exchange-behaviour.md §1.3, §7.4): enumerations by name or number in any case, sizes with a
 * unit, time spans as [d.]hh:mm:ss, `host:port:SSL`. Knows no particular setting.
 */
import { isIP } from 'node:net';
import type { Binding, ConnectionSetting } from '../model.ts';
import { checkedAddress } from '../names.ts';
import { parseIpRange } from './ip-range.ts';

/** One kind of value. `undefined` means "not acceptable": no setting has undefined as a value. */
export interface ValueType<T> {
  /** As the shell names it: Boolean, Int32, TimeSpan, … */
  readonly kind: string;
  /** Words that complete "MaxCommandSize must be …". */
  readonly accepts: string;
  /** The names of an enumeration; null for other kinds. */
  readonly choices: readonly string[] | null;
  /** From a typed value or from stored JSON. */
  read(value: unknown): T | undefined;
  /** What goes into JSON; `read` takes it back. */
  store(value: T): unknown;
  /** From what a person typed. */
  parse(text: string): T | undefined;
  format(value: T): string;
}

const INT32_MAX = 2_147_483_647;
export const UNLIMITED = Infinity;
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i;

export const boolean: ValueType<boolean> = {
  kind: 'Boolean',
  accepts: 'true or false',
  choices: ['false', 'true'],
  read: (value) => (typeof value === 'boolean' ? value : undefined),
  store: (value) => value,
  parse: (text) => {
    const word = text.trim().toLowerCase().replace(/^\$/, '');
    if (word === 'true' || word === '1' || word === 'on' || word === 'yes') return true;
    return word === 'false' || word === '0' || word === 'off' || word === 'no' ? false : undefined;
  },
  format: (value) => (value ? 'True' : 'False'),
};

interface Range {
  readonly min: number;
  readonly max?: number;
  readonly unlimited?: boolean;
}

function inRange(value: unknown, range: Range): number | undefined {
  if (range.unlimited === true && (value === UNLIMITED || value === 'unlimited')) return UNLIMITED;
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) return undefined;
  return value >= range.min && value <= (range.max ?? INT32_MAX) ? value : undefined;
}

const rangeWords = (range: Range, unit: string): string =>
  `${range.min}–${range.max ?? INT32_MAX}${unit}${range.unlimited === true ? ' or unlimited' : ''}`;
const storeNumber = (value: number): unknown => (value === UNLIMITED ? 'unlimited' : value);
const isUnlimited = (text: string): boolean => text.trim().toLowerCase() === 'unlimited';

/** Whole numbers, both ends included; the upper end is Exchange's 2147483647 when none is given. */
export function integer(range: Range, unit = ''): ValueType<number> {
  const read = (value: unknown): number | undefined => inRange(value, range);
  return {
    kind: range.unlimited === true ? 'Unlimited<Int32>' : 'Int32',
    accepts: rangeWords(range, unit === '' ? '' : ` ${unit}`),
    choices: null,
    read,
    store: storeNumber,
    parse: (text) => {
      if (isUnlimited(text)) return read(UNLIMITED);
      return /^\s*\d+\s*$/.test(text) ? read(Number(text)) : undefined;
    },
    format: (value) => (value === UNLIMITED ? 'Unlimited' : String(value)),
  };
}

const UNITS: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['b', 1],
  ['kb', 1024],
  ['mb', 1024 ** 2],
  ['gb', 1024 ** 3],
  ['tb', 1024 ** 4],
]);

/** `0–2197949513728 bytes (2047 GB)`: nobody counts thirteen digits. */
const sizeUnit = (max: number | undefined): string =>
  max !== undefined && max % 1024 ** 3 === 0 ? ` bytes (${max / 1024 ** 3} GB)` : ' bytes';

/** Bytes; a bare number is bytes (§1.3). `36 MB (37,748,736 bytes)`, as Get shows it, is read back too. */
export function byteSize(range: Range): ValueType<number> {
  const read = (value: unknown): number | undefined => inRange(value, range);
  return {
    kind: range.unlimited === true ? 'Unlimited<ByteQuantifiedSize>' : 'ByteQuantifiedSize',
    accepts: rangeWords(range, sizeUnit(range.max)),
    choices: null,
    read,
    store: storeNumber,
    parse: (text) => {
      if (isUnlimited(text)) return read(UNLIMITED);
      const match = /^\s*(\d+(?:\.\d+)?)\s*([kmgt]?b)?\s*(?:\(([\d,. ]+)bytes\))?\s*$/i.exec(text);
      if (match === null) return undefined;
      // `1.899 GB (2,039,480,320 bytes)`: what stands in brackets is exact.
      if (match[3] !== undefined) return read(Number(match[3].replaceAll(/[^\d]/g, '')));
      const unit = UNITS.get((match[2] ?? '').toLowerCase());
      return unit === undefined ? undefined : read(Math.round(Number(match[1]) * unit));
    },
    format: (value) => {
      if (value === UNLIMITED) return 'Unlimited';
      const bytes = `${value.toLocaleString('en-US')} bytes`;
      for (const [name, unit] of [...UNITS].reverse())
        if (unit > 1 && value >= unit)
          return `${Number((value / unit).toPrecision(4))} ${name.toUpperCase()} (${bytes})`;
      return `${value} B (${bytes})`;
    },
  };
}

const DAY = 86_400;

/** Seconds as `[d.]hh:mm:ss`. */
export function formatTimeSpan(seconds: number): string {
  const two = (n: number): string => String(n).padStart(2, '0');
  const days = Math.floor(seconds / DAY);
  const clock = `${two(Math.floor((seconds % DAY) / 3600))}:${two(Math.floor((seconds % 3600) / 60))}:${two(seconds % 60)}`;
  return days > 0 ? `${days}.${clock}` : clock;
}

function parseTimeSpan(text: string): number | undefined {
  if (/^\s*\d+\s*$/.test(text)) return Number(text);
  const match = /^\s*(?:(\d+)\.)?(\d{1,2}):(\d{1,2})(?::(\d{1,2}))?\s*$/.exec(text);
  if (match === null) return undefined;
  const [days, hours, minutes, seconds] = [match[1], match[2], match[3], match[4]].map((part) => Number(part ?? 0));
  if (days === undefined || hours === undefined || minutes === undefined || seconds === undefined) return undefined;
  if (hours > 23 || minutes > 59 || seconds > 59) return undefined;
  return days * DAY + hours * 3600 + minutes * 60 + seconds;
}

/** Seconds; typed as a time span or as a bare number of seconds. */
export function duration(range: { readonly min: number; readonly max: number }): ValueType<number> {
  const read = (value: unknown): number | undefined => inRange(value, range);
  return {
    kind: 'EnhancedTimeSpan',
    accepts: `${formatTimeSpan(range.min)}–${formatTimeSpan(range.max)} (${range.min}–${range.max} seconds)`,
    choices: null,
    read,
    store: (value) => value,
    parse: (text) => read(parseTimeSpan(text)),
    format: formatTimeSpan,
  };
}

/** Names in Exchange's order; `first` is the number of the first one. */
export function enumeration<const T extends string>(names: readonly T[], first = 0): ValueType<T> {
  const byText = (text: string): T | undefined => {
    const word = text.trim().toLowerCase();
    return names.find((name, at) => name.toLowerCase() === word || String(at + first) === word);
  };
  return {
    kind: 'Enum',
    accepts: `one of ${names.map((name, at) => `${name} (${at + first})`).join(', ')}`,
    choices: names,
    read: (value) => names.find((name) => name === value),
    store: (value) => value,
    parse: byText,
    format: (value) => value,
  };
}

/** Text of one line; control characters would break a greeting or a log. */
export function text(options: { min?: number; max: number; pattern?: RegExp; accepts?: string }): ValueType<string> {
  const min = options.min ?? 0;
  const read = (value: unknown): string | undefined =>
    typeof value === 'string' &&
    value.length >= min &&
    value.length <= options.max &&
    !/[\u0000-\u001f\u007f]/.test(value) &&
    (options.pattern === undefined || options.pattern.test(value))
      ? value
      : undefined;
  return {
    kind: 'String',
    accepts: options.accepts ?? `${min}–${options.max} characters on one line`,
    choices: null,
    read,
    store: (value) => value,
    parse: read,
    format: (value) => value,
  };
}

export const isHostName = (name: string): boolean => HOST_NAME.test(name);

export const hostName: ValueType<string> = {
  ...text({ min: 1, max: 253, pattern: HOST_NAME, accepts: 'a host name such as mail.example.org' }),
  kind: 'Fqdn',
};

/** A URL with http or https, or nothing. */
export const webUrl: ValueType<string> = (() => {
  const read = (value: unknown): string | undefined => {
    if (value === '') return '';
    if (typeof value !== 'string' || value.length > 2048 || !URL.canParse(value)) return undefined;
    return /^https?:$/.test(new URL(value).protocol) ? value : undefined;
  };
  return {
    kind: 'Uri',
    accepts: 'empty or a URL such as https://mail.example.org',
    choices: null,
    read,
    store: (value: string) => value,
    parse: (typed: string) => read(typed.trim()),
    format: (value: string) => value,
  };
})();

/** A mail address, or nothing. */
export const mailAddress: ValueType<string> = (() => {
  const read = (value: unknown): string | undefined => {
    if (typeof value !== 'string') return undefined;
    if (value.trim() === '') return '';
    try {
      return checkedAddress(value);
    } catch {
      // The reason is lost on purpose: `accepts` says what is right.
      return undefined;
    }
  };
  return {
    kind: 'SmtpAddress',
    accepts: 'empty or a mail address such as postmaster@example.org',
    choices: null,
    read,
    store: (value: string) => value,
    parse: read,
    format: (value: string) => value,
  };
})();

/** A BCP 47 language tag in its canonical spelling: `de-CH`. */
export const languageTag: ValueType<string> = (() => {
  const read = (value: unknown): string | undefined => {
    if (typeof value !== 'string' || value.length > 35) return undefined;
    try {
      return Intl.getCanonicalLocales(value.trim())[0];
    } catch {
      // Intl has no other way to say "no language tag".
      return undefined;
    }
  };
  return {
    kind: 'CultureInfo',
    accepts: 'a language tag such as en-US or de',
    choices: null,
    read,
    store: (value: string) => value,
    parse: read,
    format: (value: string) => value,
  };
})();

const ITEMS_PER_LIST = 1000;

/** `v1, v2`; an empty text or `$null` clears (§1.3). */
export function listOf<T>(item: ValueType<T>, noneWord?: string): ValueType<readonly T[]> {
  const all = <S>(values: readonly S[], convert: (value: S) => T | undefined): readonly T[] | undefined => {
    if (values.length > ITEMS_PER_LIST) return undefined;
    const items: T[] = [];
    const seen = new Set<string>();
    for (const value of values) {
      const one = convert(value);
      if (one === undefined) return undefined;
      const key = item.format(one).toLowerCase();
      if (seen.has(key)) continue;
      seen.add(key);
      items.push(one);
    }
    return items;
  };
  return {
    kind: `MultiValuedProperty<${item.kind}>`,
    accepts: `a list; each item ${item.accepts}${noneWord === undefined ? '' : `, or ${noneWord}`}`,
    choices: item.choices,
    read: (value) => (Array.isArray(value) ? all(value, (one: unknown) => item.read(one)) : undefined),
    store: (value) => value.map((one) => item.store(one)),
    parse: (typed) => {
      const trimmed = typed.trim();
      const word = trimmed.toLowerCase();
      if (word === '' || word === '$null' || (noneWord !== undefined && word === noneWord.toLowerCase())) return [];
      return all(trimmed.split(','), (one) => item.parse(one.trim()));
    },
    format: (value) =>
      value.length === 0 && noneWord !== undefined ? noneWord : value.map((one) => item.format(one)).join(', '),
  };
}

const isPort = (value: unknown, least: number): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= least && value <= 65_535;
const property = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;

/** `IPv4:port` or `[IPv6]:port`; port 0 lets the system choose (used by scripted starts). */
export const binding: ValueType<Binding> = (() => {
  const read = (value: unknown): Binding | undefined => {
    const address = property(value, 'address');
    const port = property(value, 'port');
    return typeof address === 'string' && isIP(address) !== 0 && isPort(port, 0) ? { address, port } : undefined;
  };
  return {
    kind: 'IPBinding',
    accepts: 'an address and port such as 0.0.0.0:143 or [::]:143',
    choices: null,
    read,
    store: (value: Binding) => ({ address: value.address, port: value.port }),
    parse: (typed: string) => {
      const match = /^\[?([0-9a-f:.]+?)\]?:(\d{1,5})$/i.exec(typed);
      return match === null ? undefined : read({ address: match[1], port: Number(match[2]) });
    },
    format: (value: Binding) =>
      isIP(value.address) === 6 ? `[${value.address}]:${value.port}` : `${value.address}:${value.port}`,
  };
})();

const ENCRYPTIONS = ['SSL', 'TLS', 'none'] as const;

/** `host:port[:SSL|TLS]`; no third part means unencrypted (§7.4). */
export const connectionSetting: ValueType<ConnectionSetting> = (() => {
  const read = (value: unknown): ConnectionSetting | undefined => {
    const host = property(value, 'host');
    const port = property(value, 'port');
    const encryption = ENCRYPTIONS.find((name) => name === property(value, 'encryption'));
    if (typeof host !== 'string' || !(isHostName(host) || isIP(host) !== 0)) return undefined;
    return encryption !== undefined && isPort(port, 1) ? { host, port, encryption } : undefined;
  };
  return {
    kind: 'ProtocolConnectionSettings',
    accepts: 'host:port, host:port:SSL or host:port:TLS',
    choices: null,
    read,
    store: (value: ConnectionSetting) => ({ host: value.host, port: value.port, encryption: value.encryption }),
    parse: (typed: string) => {
      const match = /^\{?([^:{}\s]+|\[[0-9a-f:.]+\]):(\d{1,5})(?::(ssl|tls)?)?\}?$/i.exec(typed);
      if (match === null) return undefined;
      const word = match[3]?.toUpperCase();
      const host = (match[1] ?? '').replace(/^\[|\]$/g, '');
      return read({ host, port: Number(match[2]), encryption: word === 'SSL' || word === 'TLS' ? word : 'none' });
    },
    format: (value: ConnectionSetting) => {
      const host = value.host.includes(':') ? `[${value.host}]` : value.host;
      return `${host}:${value.port}${value.encryption === 'none' ? '' : `:${value.encryption}`}`;
    },
  };
})();

/** One address, `first-last`, or CIDR. */
export const ipRange: ValueType<string> = (() => {
  const read = (value: unknown): string | undefined =>
    typeof value === 'string' && parseIpRange(value) !== null ? value.trim() : undefined;
  return {
    kind: 'IPRange',
    accepts: 'an address, a range a-b, or CIDR',
    choices: null,
    read,
    store: (value: string) => value,
    parse: read,
    format: (value: string) => value,
  };
})();
