/** Who makes a change with a command on the server itself, for the audit log. */
import type { Actor } from '../directory/model.ts';
import { systemUser } from '../config/system-user.ts';

/** `command`: as typed behind `penfold`. */
export const localActor = (command: string): Actor => ({
  user: `local:${systemUser()}`,
  via: 'command',
  command: `penfold ${command}`,
});
