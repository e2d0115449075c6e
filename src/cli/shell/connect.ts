/**
 * The door for one cmdlet. While a server runs it is reached through its socket alone, without loading the engines that
 * would be needed to do the work here: a command that answers at once is one that scripts can call in a loop.
 */
import { existsSync } from 'node:fs';
import { controlSocketPath, type DataLayout } from '../../config/data-directory.ts';
import { readConfiguration } from '../../config/read.ts';
import type { Door } from '../../management/door-client.ts';
import { Failure } from '../../observe/failure.ts';

export interface ConnectedDoor extends Door {
  readonly server: { readonly name: string };
  close(): Promise<void>;
}

/** @throws Failure NOPERM (a server of another user runs there) */
export async function connectForOneShot(layout: DataLayout): Promise<ConnectedDoor> {
  const served = await throughSocket(layout);
  if (served !== null) return served;
  const { openDoor } = await import('../../main/door.ts');
  try {
    return await openDoor(layout, 'command');
  } catch (error) {
    if (!(error instanceof Failure && error.code === 'NONEXISTENT')) throw error;
    return withoutInstance(error);
  }
}

async function throughSocket(layout: DataLayout): Promise<ConnectedDoor | null> {
  const { control } = await readConfiguration(layout.configuration);
  const socket = controlSocketPath(layout, control.socket);
  if (!existsSync(socket)) return null;
  const { ControlClient } = await import('../../management/control/client.ts');
  const { doorOverSocket } = await import('../../management/door-client.ts');
  const { systemUser } = await import('../../config/system-user.ts');
  try {
    const { server } = await new ControlClient(socket).status();
    const door = doorOverSocket(socket, { user: systemUser(), via: 'command' });
    return {
      server: { name: server },
      cmdlets: () => door.cmdlets(),
      run: (...call) => door.run(...call),
      complete: (...words) => door.complete(...words),
      close: async () => {},
    };
  } catch (error) {
    const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
    // A socket that was left behind, or belongs to somebody else: the long way says which.
    if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'EACCES') return null;
    throw error;
  }
}

/** Help needs no instance; whatever is run says what is missing. */
async function withoutInstance(reason: Failure): Promise<ConnectedDoor> {
  const { CMDLETS } = await import('../../management/cmdlets/table.ts');
  const { cmdletHelp } = await import('../../management/help.ts');
  const fail = async function* (): AsyncGenerator<never> {
    yield* await Promise.reject<never[]>(reason);
  };
  return {
    server: { name: '<Server Name>' },
    cmdlets: async () => CMDLETS.map(cmdletHelp),
    run: fail,
    complete: async () => [],
    close: async () => {},
  };
}
