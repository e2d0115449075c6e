/**
 * The refusal of a server that may serve a mailbox and does not have it now: who has it, as the first word of a 451 to
 * RCPT (ADR 9 §4). Said and understood between servers of one organization only. Pure.
 */
import { type Reply, reply } from './reply.ts';

const OWNER = /^XOWNER=([\x21-\x7e]{1,100})(?: |$)/;

export function ownerReply(owner: string): Reply {
  return reply(451, '4.2.1', `XOWNER=${owner} the mailbox is served by another server now`);
}

/** Id of a server; null: another refusal. */
export function ownerOf({ code, lines }: Reply): string | null {
  return code === 451 ? (OWNER.exec(lines[0] ?? '')?.[1] ?? null) : null;
}
