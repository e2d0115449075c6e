/**
 * Folders that settings name. Who is on the machine may name any; who administers it over the network is no user of
 * it, and writes nothing of his choosing outside the data directory. Pure: looks at no disk.
 */
import { isAbsolute, normalize } from 'node:path';
import { Failure } from '../observe/failure.ts';
import type { Caller } from './cmdlet.ts';

export const isOverNetwork = ({ via }: Pick<Caller, 'via'>): boolean => via === 'api' || via === 'web';

/** `place` as typed, relative to the data directory. @throws Failure NOPERM */
export function checkPlace(caller: Pick<Caller, 'via'>, parameter: string, place: string): void {
  if (!isOverNetwork(caller)) return;
  const isInside = !isAbsolute(place) && !/^\.\.(?:[/\\]|$)/.test(normalize(place));
  if (isInside) return;
  throw new Failure(
    'NOPERM',
    `over the network -${parameter} names a folder below the data directory; other places are set on the server itself`,
  );
}
