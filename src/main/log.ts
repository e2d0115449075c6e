/** The server's log as its configuration file wants it. */
import path from 'node:path';
import type { DataLayout } from '../config/data-directory.ts';
import type { Configuration } from '../config/schema.ts';
import { createLog, type RootLog } from '../observe/log.ts';

export function openLog(layout: DataLayout, configuration: Configuration): RootLog {
  return createLog({ level: configuration.log.level, destination: destination(layout, configuration) });
}

/** What to tell a person who asks where the log is. */
export function logPlace(layout: DataLayout, configuration: Configuration): string {
  const place = destination(layout, configuration);
  return typeof place === 'string' ? place : configuration.log.destination;
}

function destination(layout: DataLayout, configuration: Configuration): string | 1 | 2 {
  switch (configuration.log.destination) {
    case 'stdout':
      return 1;
    case 'stderr':
      return 2;
    default:
      return path.resolve(layout.root, configuration.log.destination);
  }
}
