/** Who makes a change with a command on the server itself, for the audit log. */
import { userInfo } from 'node:os';
import type { Actor } from '../directory/model.ts';

/** `command`: as typed behind `penfold`. */
export const localActor = (command: string): Actor => ({
  user: `local:${userName()}`,
  via: 'command',
  command: `penfold ${command}`,
});

/** In a container the number of the user often has no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'unknown');
  }
}
