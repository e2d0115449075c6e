/** Parses a message, streaming or at once; both give the same fragment. */
import type { Buffer } from 'node:buffer';
import type { ParsedMessage } from './model.ts';

export class MessageScanner {
  write(chunk: Buffer): void {
    void chunk;
  }

  end(): ParsedMessage {
    return parseMessage(Buffer0());
  }
}

function Buffer0(): Buffer {
  throw new Error('the message scanner comes with the next commit');
}

export function parseMessage(bytes: Buffer): ParsedMessage {
  void bytes;
  return new MessageScanner().end();
}
