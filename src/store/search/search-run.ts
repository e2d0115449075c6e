/** What every term of one search works with. */
import type { Candidates } from './candidates.ts';
import type { SearchSource } from './source.ts';
import type { TimeSlice } from './time-slice.ts';

export interface SearchRun {
  readonly source: SearchSource;
  readonly candidates: Candidates;
  /** Seconds since 1970, for YOUNGER and OLDER (RFC 5032). */
  readonly now: number;
  readonly slice: TimeSlice;
}
