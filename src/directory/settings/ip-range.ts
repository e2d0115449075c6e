/**
 * Remote IP ranges of connectors: single address, `first-last`, CIDR, and which of several is the most specific
 * (exchange-behaviour.md §3.4: the most specific range wins, overlaps only by full containment).
 */
import { isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';

export interface IpRange {
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
}

interface Address {
  readonly family: 4 | 6;
  readonly value: bigint;
}

/** Null when the text is no address. IPv4 clients of a dual-stack listener (::ffff:a.b.c.d) count as IPv4. */
export function parseIpAddress(text: string): Address | null {
  if (!isIPv4(text) && !isIPv6(text)) return null;
  const bytes = ipaddr.process(text).toByteArray();
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return { family: bytes.length === 4 ? 4 : 6, value };
}

export function parseIpRange(text: string): IpRange | null {
  const trimmed = text.trim();
  const cidr = /^(.+)\/(\d{1,3})$/.exec(trimmed);
  if (cidr !== null) {
    const base = parseIpAddress(cidr[1] ?? '');
    if (base === null) return null;
    const bits = base.family === 4 ? 32 : 128;
    const prefix = Number(cidr[2]);
    if (prefix > bits) return null;
    const span = 1n << BigInt(bits - prefix);
    const first = base.value - (base.value % span);
    return { family: base.family, first, last: first + span - 1n };
  }
  const [low = '', high = low, ...rest] = trimmed.split('-').map((part) => part.trim());
  if (rest.length > 0) return null;
  const first = parseIpAddress(low);
  const last = parseIpAddress(high);
  if (first === null || last === null || first.family !== last.family || first.value > last.value) return null;
  return { family: first.family, first: first.value, last: last.value };
}

/** How many addresses the smallest range holding `address` has; null when none holds it. */
export function narrowestMatch(ranges: readonly string[], address: string): bigint | null {
  const at = parseIpAddress(address);
  if (at === null) return null;
  let narrowest: bigint | null = null;
  for (const text of ranges) {
    const range = parseIpRange(text);
    if (range === null || range.family !== at.family || at.value < range.first || at.value > range.last) continue;
    const size = range.last - range.first + 1n;
    if (narrowest === null || size < narrowest) narrowest = size;
  }
  return narrowest;
}

/** True when the two overlap although neither lies within the other, so that "most specific" means nothing. */
export function partlyOverlap(a: IpRange, b: IpRange): boolean {
  if (a.family !== b.family || a.last < b.first || b.last < a.first) return false;
  const aHoldsB = a.first <= b.first && a.last >= b.last;
  const bHoldsA = b.first <= a.first && b.last >= a.last;
  return !aHoldsB && !bHoldsA;
}
