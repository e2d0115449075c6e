/** Which columns say where the pieces of a parse result lie (message/fragment-pieces.ts). */
import type { Buffer } from 'node:buffer';
import type { FragmentPiece } from '../../message/fragment-pieces.ts';
import type { Columns } from './columns.ts';
import type { MailboxStorage } from './storage.ts';

export interface FragmentPlaces {
  readonly listOffset: number;
  readonly listLength: number;
  readonly searchOffset: number;
  readonly searchLength: number;
  readonly detailsOffset: number;
  readonly detailsLength: number;
}

export const NO_FRAGMENT: FragmentPlaces = {
  listOffset: 0,
  listLength: 0,
  searchOffset: 0,
  searchLength: 0,
  detailsOffset: 0,
  detailsLength: 0,
};

export function putFragment(
  storage: MailboxStorage,
  { list, search, details }: Readonly<Record<FragmentPiece, Buffer>>,
): FragmentPlaces {
  const listOffset = storage.putFragment('list', list);
  const searchOffset = storage.putFragment('search', search);
  const detailsOffset = storage.putFragment('details', details);
  return {
    listOffset: listOffset ?? 0,
    listLength: listOffset === null ? 0 : list.length,
    searchOffset: searchOffset ?? 0,
    searchLength: searchOffset === null ? 0 : search.length,
    detailsOffset: detailsOffset ?? 0,
    detailsLength: detailsOffset === null ? 0 : details.length,
  };
}

export function setFragment(columns: Columns, row: number, places: FragmentPlaces): void {
  columns.listOffset[row] = places.listOffset;
  columns.listLength[row] = places.listLength;
  columns.searchOffset[row] = places.searchOffset;
  columns.searchLength[row] = places.searchLength;
  columns.detailsOffset[row] = places.detailsOffset;
  columns.detailsLength[row] = places.detailsLength;
}

/** Rows [from, to) have lost their parse results. */
export function forgetFragments(columns: Columns, from: number, to: number): void {
  columns.listLength.fill(0, from, to);
  columns.searchLength.fill(0, from, to);
  columns.detailsLength.fill(0, from, to);
}

export function placesOf(
  columns: Columns,
  piece: FragmentPiece,
): { readonly offset: Uint32Array; readonly length: Uint32Array } {
  switch (piece) {
    case 'list':
      return { offset: columns.listOffset, length: columns.listLength };
    case 'search':
      return { offset: columns.searchOffset, length: columns.searchLength };
    case 'details':
      return { offset: columns.detailsOffset, length: columns.detailsLength };
  }
}
