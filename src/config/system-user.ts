/** Who runs this process, by the name the machine knows him by. */
import { userInfo } from 'node:os';

/** In a container the number of the user often has no name. */
export function systemUser(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'unknown');
  }
}
