/** Keys in localStorage under which known addresses are kept begin with it; signing out removes them. */
export const STORAGE_PREFIX = 'penfold.addresses.';
