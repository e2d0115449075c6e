/** Every cmdlet that runs in the shell itself. */
import type { LocalCmdlet } from '../local.ts';
import { CHOOSE } from './choose.ts';
import { CONVERT } from './convert.ts';
import { FORMAT } from './format.ts';
import { HELP } from './help.ts';
import { ORDER } from './order.ts';
import { SHELL } from './shell.ts';

export const LOCAL_CMDLETS: readonly LocalCmdlet[] = [...FORMAT, ...CHOOSE, ...ORDER, ...CONVERT, ...HELP, ...SHELL];
