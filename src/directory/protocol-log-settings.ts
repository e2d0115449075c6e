/** What Set-PopSettings and Set-ImapSettings say about the protocol log, as the log wants it (exchange-behaviour.md §5.10). */
import path from 'node:path';
import type { ProtocolLogSettings } from '../observe/protocol-log/mail-protocol.ts';
import type { MailProtocolSettings } from './model.ts';

/** Front end and back end write files of their own into one folder. */
export type ProtocolLogPrefix = 'IMAP4' | 'IMAP4BE' | 'POP3' | 'POP3BE';

/** Asked with every command of every session; the answer is made once for settings that have not changed. */
const made = new WeakMap<MailProtocolSettings, Map<string, ProtocolLogSettings>>();

/** `root`: the data directory, for a relative LogFileLocation. */
export function protocolLogSettings(
  settings: MailProtocolSettings,
  prefix: ProtocolLogPrefix,
  root: string,
): ProtocolLogSettings {
  let ofSettings = made.get(settings);
  if (ofSettings === undefined) {
    ofSettings = new Map();
    made.set(settings, ofSettings);
  }
  const key = `${prefix} ${root}`;
  let known = ofSettings.get(key);
  if (known === undefined) {
    known = make(settings, prefix, root);
    ofSettings.set(key, known);
  }
  return known;
}

function make(settings: MailProtocolSettings, prefix: ProtocolLogPrefix, root: string): ProtocolLogSettings {
  return {
    enabled: settings.protocolLogEnabled,
    format: settings.logFormat,
    directory: path.resolve(root, settings.logFileLocation),
    prefix,
    rollOver: settings.logFileRollOverSettings,
    perFileQuota: settings.logPerFileSizeQuota,
    maxAge: settings.logMaxAge,
    maxDirectorySize: settings.logMaxDirectorySize,
  };
}
