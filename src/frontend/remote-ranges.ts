/**
 * Client addresses: RemoteIPRanges of receive connectors (single address, `a-b`, CIDR; the most specific range wins,
 * exchange-behaviour.md §3.4) and what counts as one source for limits.
 */
import ipaddr from 'ipaddr.js';

interface Range {
  readonly bits: 32 | 128;
  readonly first: bigint;
  readonly last: bigint;
}

function numberOf(text: string): { bits: 32 | 128; value: bigint } | null {
  if (!ipaddr.isValid(text)) return null;
  const address = ipaddr.process(text);
  const value = address.toByteArray().reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return { bits: address.kind() === 'ipv4' ? 32 : 128, value };
}

/** Null: not an address, range or CIDR block. */
function parseRange(text: string): Range | null {
  const [left = '', right] = text.includes('/') ? [text] : text.split('-').map((part) => part.trim());
  if (right !== undefined) {
    const first = numberOf(left);
    const last = numberOf(right);
    if (first === null || last === null || first.bits !== last.bits || first.value > last.value) return null;
    return { bits: first.bits, first: first.value, last: last.value };
  }
  const [base = '', prefix] = left.split('/');
  const address = numberOf(base);
  if (address === null) return null;
  if (prefix === undefined) return { bits: address.bits, first: address.value, last: address.value };
  const length = Number(prefix);
  if (!/^\d{1,3}$/.test(prefix) || length > address.bits) return null;
  const size = 1n << BigInt(address.bits - length);
  const first = (address.value / size) * size;
  return { bits: address.bits, first, last: first + size - 1n };
}

/** Number of addresses in the narrowest of these ranges that holds `address`; null when none does. */
export function specificity(ranges: readonly string[], address: string): bigint | null {
  const client = numberOf(address);
  if (client === null) return null;
  let best: bigint | null = null;
  for (const text of ranges) {
    const range = parseRange(text);
    if (range === null || range.bits !== client.bits) continue;
    if (client.value < range.first || client.value > range.last) continue;
    const size = range.last - range.first + 1n;
    if (best === null || size < best) best = size;
  }
  return best;
}

/** An IPv4 address, or the /64 of an IPv6 address: one customer has all of it, and would count as one. */
export function sourceOf(address: string): string {
  if (!address.includes(':')) return address;
  const client = numberOf(address);
  return client === null || client.bits === 32 ? address : `${(client.value >> 64n).toString(16)}::/64`;
}
