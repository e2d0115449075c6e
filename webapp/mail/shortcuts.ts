/** Keys of the mail page, as Gmail and Outlook on the web have taught them: one table for acting and for the help. Pure. */

export const COMMANDS = [
  'next',
  'previous',
  'open',
  'back',
  'select',
  'selectAll',
  'toggleUnread',
  'markRead',
  'markUnread',
  'flag',
  'archive',
  'delete',
  'junk',
  'move',
  'compose',
  'reply',
  'replyAll',
  'forward',
  'search',
  'undo',
  'expandAll',
  'help',
  'goInbox',
  'goDrafts',
  'goSent',
  'goArchive',
  'goJunk',
  'goTrash',
] as const;
export type Command = (typeof COMMANDS)[number];

export interface Shortcut {
  readonly command: Command;
  /** Each a way to say it; keys within are pressed one after the other. */
  readonly keys: readonly string[];
  readonly group: 'moving' | 'messages' | 'writing' | 'going' | 'other';
}

export const SHORTCUTS: readonly Shortcut[] = [
  { command: 'next', keys: ['j', 'ArrowDown'], group: 'moving' },
  { command: 'previous', keys: ['k', 'ArrowUp'], group: 'moving' },
  { command: 'open', keys: ['o', 'Enter'], group: 'moving' },
  { command: 'back', keys: ['Escape'], group: 'moving' },
  { command: 'select', keys: ['x'], group: 'messages' },
  { command: 'selectAll', keys: ['* a'], group: 'messages' },
  { command: 'toggleUnread', keys: ['u'], group: 'messages' },
  { command: 'markRead', keys: ['Shift+I'], group: 'messages' },
  { command: 'markUnread', keys: ['Shift+U'], group: 'messages' },
  { command: 'flag', keys: ['s'], group: 'messages' },
  { command: 'archive', keys: ['e'], group: 'messages' },
  { command: 'delete', keys: ['#', 'Delete'], group: 'messages' },
  { command: 'junk', keys: ['!'], group: 'messages' },
  { command: 'move', keys: ['v'], group: 'messages' },
  { command: 'undo', keys: ['z'], group: 'messages' },
  { command: 'compose', keys: ['c'], group: 'writing' },
  { command: 'reply', keys: ['r'], group: 'writing' },
  { command: 'replyAll', keys: ['a'], group: 'writing' },
  { command: 'forward', keys: ['f'], group: 'writing' },
  { command: 'expandAll', keys: [';'], group: 'moving' },
  { command: 'goInbox', keys: ['g i'], group: 'going' },
  { command: 'goDrafts', keys: ['g d'], group: 'going' },
  { command: 'goSent', keys: ['g t'], group: 'going' },
  { command: 'goArchive', keys: ['g a'], group: 'going' },
  { command: 'goJunk', keys: ['g j'], group: 'going' },
  { command: 'goTrash', keys: ['g b'], group: 'going' },
  { command: 'search', keys: ['/'], group: 'other' },
  { command: 'help', keys: ['?'], group: 'other' },
];

export interface KeyPress {
  readonly key: string;
  readonly shiftKey: boolean;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
}

/** A second key comes within this time, or the first counts for nothing. */
export const SEQUENCE_MS = 1500;

/** Letters carry Shift; signs are what the keyboard makes of it, on every layout. */
function nameOf({ key, shiftKey }: KeyPress): string {
  if (key.length > 1) return shiftKey ? `Shift+${key}` : key;
  return shiftKey && key.toLowerCase() !== key.toUpperCase() ? `Shift+${key.toUpperCase()}` : key.toLowerCase();
}

/** `before`: the first key of a sequence, if one is under way. */
export function commandOf(
  press: KeyPress,
  before: string | null,
): { readonly command: Command } | { readonly begins: string } | null {
  if (press.ctrlKey || press.metaKey || press.altKey) return null;
  const name = nameOf(press);
  if (before !== null) {
    const whole = SHORTCUTS.find(({ keys }) => keys.includes(`${before} ${name}`));
    if (whole !== undefined) return { command: whole.command };
  }
  const single = SHORTCUTS.find(({ keys }) => keys.includes(name));
  if (single !== undefined) return { command: single.command };
  return SHORTCUTS.some(({ keys }) => keys.some((key) => key.startsWith(`${name} `))) ? { begins: name } : null;
}
