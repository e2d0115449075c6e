/** Every cmdlet there is. A new noun is a file in this folder and a row here. */
import type { Cmdlet } from '../cmdlet.ts';
import { healthCmdlets } from './health.ts';
import { testConnectivityCmdlets } from './test-connectivity.ts';

const NOUNS: ReadonlyArray<readonly Cmdlet[]> = [healthCmdlets, testConnectivityCmdlets];

export const CMDLETS: readonly Cmdlet[] = NOUNS.flat().toSorted((a, b) => (a.name < b.name ? -1 : 1));
