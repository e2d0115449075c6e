/** What a start of the server means for its services: Automatic ones run, the others wait to be started by hand. */
import type { Directory } from '../directory/api.ts';
import type { Server } from '../directory/model.ts';

export async function adoptStartupTypes(directory: Directory, server: Server): Promise<void> {
  for (const state of await directory.services(server.id)) {
    const running = state.startupType === 'Automatic';
    if (state.running !== running) await directory.setService(server.id, state.service, { running });
  }
}
