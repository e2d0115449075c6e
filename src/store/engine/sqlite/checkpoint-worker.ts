/** Worker thread: copies write-ahead logs into their database files. Started by checkpoint.ts; keeps no state. */
import { DatabaseSync } from 'node:sqlite';
import { parentPort } from 'node:worker_threads';
import type { CheckpointReply, CheckpointRequest } from './checkpoint.ts';

const port = parentPort;
if (port === null) throw new Error('checkpoint-worker.ts runs as a worker thread only');

port.on('message', (request: CheckpointRequest) => {
  port.postMessage({ id: request.id, failed: checkpoint(request.path) } satisfies CheckpointReply);
});

/** Null: everything committed before is in the file, and the file is on the disk. */
function checkpoint(path: string): string | null {
  try {
    const db = new DatabaseSync(path);
    try {
      db.exec('PRAGMA synchronous = FULL; PRAGMA busy_timeout = 1000;');
      const result = db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get();
      return result?.['busy'] === 0 ? null : 'the index was in use';
    } finally {
      db.close();
    }
  } catch (reason) {
    return reason instanceof Error ? reason.message : String(reason);
  }
}
