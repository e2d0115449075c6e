/** Commands that ask for nothing but news: NOOP (RFC 9051 §6.1.2) and CHECK (RFC 3501 §6.4.1). */
import { type Completion, ok } from '../session/context.ts';

export const noop = (): Completion => ok('NOOP completed.');
/** Every change was durable when it was acknowledged, so there is nothing to write down. */
export const check = (): Completion => ok('CHECK completed.');
