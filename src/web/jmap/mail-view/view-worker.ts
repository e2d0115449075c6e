/** Worker thread: makes the body of one message ready to be shown. Started by views.ts; keeps no state. */
import { parentPort } from 'node:worker_threads';
import { messageView } from '../../../message/safe-html/message-view.ts';
import type { ViewReply, ViewRequest } from './views.ts';

const port = parentPort;
if (port === null) throw new Error('view-worker.ts runs as a worker thread only');

port.on('message', ({ bodies, wish }: ViewRequest) => {
  let reply: ViewReply;
  try {
    reply = { view: messageView(bodies, wish), failed: null };
  } catch (error) {
    reply = { failed: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  port.postMessage(reply);
});
