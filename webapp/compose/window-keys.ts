/** Keys of the window, wherever in it the focus is; the editor leaves them alone. Pure. */

export type WindowKey = 'send' | 'cc' | 'bcc' | 'save';

export interface PressedKey {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly shiftKey: boolean;
}

export function windowKey({ key, ctrlKey, metaKey, altKey, shiftKey }: PressedKey): WindowKey | null {
  if (!(ctrlKey || metaKey) || altKey) return null;
  switch (key.toLowerCase()) {
    case 'enter':
      return shiftKey ? null : 'send';
    case 'c':
      return shiftKey ? 'cc' : null;
    case 'b':
      return shiftKey ? 'bcc' : null;
    case 's':
      return shiftKey ? null : 'save';
    default:
      return null;
  }
}
