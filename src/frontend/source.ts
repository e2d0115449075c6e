/** What counts as one source for connection limits. */
import { parseIpAddress } from '../directory/settings/ip-range.ts';

/** An IPv4 address, or the /64 of an IPv6 address: one customer has all of it, and counts as one. */
export function sourceOf(address: string): string {
  if (!address.includes(':')) return address;
  const parsed = parseIpAddress(address);
  return parsed === null || parsed.family === 4 ? address : `${(parsed.value >> 64n).toString(16)}::/64`;
}
