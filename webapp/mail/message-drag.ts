/**
 * Messages and folders dragged onto folders. What is dragged is kept here, for while something hovers the browser does
 * not tell what it is.
 */
import type { Targets } from './actions/targets.ts';

export type Dragged =
  | { readonly kind: 'messages'; readonly accountId: string; readonly targets: Targets }
  | { readonly kind: 'folder'; readonly accountId: string; readonly folderId: string };

let dragged: Dragged | null = null;

export const draggedNow = (): Dragged | null => dragged;

document.addEventListener('dragend', () => {
  dragged = null;
});

export function beginMessageDrag(
  transfer: DataTransfer,
  what: { readonly accountId: string; readonly targets: Targets },
  label: string,
): void {
  dragged = { kind: 'messages', ...what };
  begin(transfer, 'copyMove', label);
}

export function beginFolderDrag(transfer: DataTransfer, accountId: string, folderId: string, label: string): void {
  dragged = { kind: 'folder', accountId, folderId };
  begin(transfer, 'move', label);
}

/** A small label follows the pointer instead of a picture of the whole row. */
function begin(transfer: DataTransfer, allowed: 'copyMove' | 'move', text: string): void {
  transfer.effectAllowed = allowed;
  transfer.setData('text/plain', text);
  const label = document.createElement('div');
  label.textContent = text;
  Object.assign(label.style, {
    position: 'fixed',
    top: '-100px',
    padding: '6px 12px',
    borderRadius: '6px',
    background: 'var(--accent)',
    color: 'var(--on-accent)',
  });
  document.body.append(label);
  transfer.setDragImage(label, -8, -8);
  setTimeout(() => label.remove());
}
