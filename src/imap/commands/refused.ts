/** LOGIN, AUTHENTICATE and STARTTLS come before logon or not at all (RFC 9051 §6.2, §6.2.1). */
import { bad, type Completion } from '../session/context.ts';

export const afterLogon = (): Completion => bad('Command received in Invalid state: you are logged on already.');
