/** Whose pictures from elsewhere are shown without asking; kept in this browser. */
import * as v from 'valibot';

const KEY = 'penfold.mail.pictures';
/** Senders kept; the oldest are asked about again. */
const SENDERS = 1000;

function stored(): readonly string[] {
  try {
    return v.parse(v.array(v.string()), JSON.parse(localStorage.getItem(KEY) ?? '[]'));
  } catch {
    return [];
  }
}

export const showsPicturesOf = (address: string): boolean => stored().includes(address.toLowerCase());

export function alwaysShowPicturesOf(address: string): void {
  const senders = stored().filter((one) => one !== address.toLowerCase());
  localStorage.setItem(KEY, JSON.stringify([...senders, address.toLowerCase()].slice(-SENDERS)));
}
