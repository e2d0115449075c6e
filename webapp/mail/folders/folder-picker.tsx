/** Asks for a folder: typed letters narrow the list, arrows go through it, Enter takes it. */
import { type ReactNode, useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Dialog } from '../../ui/dialog.tsx';
import { useFolderName, useMail } from '../mail-context.tsx';
import type { Mailbox } from '../methods.ts';
import { FolderIcon } from './folder-icon.tsx';
import { pathNames } from './folder-tree.ts';
import styles from './folder-picker.module.css';

export interface FolderPickerProps {
  readonly title: string;
  readonly folders: readonly Mailbox[];
  /** Words for "in no folder"; null: that is no choice. */
  readonly top?: string | null;
  /** Null: in no folder. */
  readonly onPick: (folder: Mailbox | null) => void;
  readonly onClose: () => void;
}

/** Without accents and case: "archivo" finds "Árchivo". */
const folded = (text: string): string => text.normalize('NFD').replaceAll(/\p{M}/gu, '').toLowerCase();

export default function FolderPicker({ title, folders, top = null, onPick, onClose }: FolderPickerProps): ReactNode {
  const { t } = useTranslation('mail');
  const { mailboxes } = useMail();
  const folderName = useFolderName();
  const [typed, setTyped] = useState('');
  const [at, setAt] = useState(0);
  const listId = useId();
  const wanted = folded(typed.trim());
  const all = folders.map((folder) => ({ folder, id: folder.id, path: pathNames(mailboxes, folder, folderName) }));
  const found = [...(top === null ? [] : [{ folder: null, id: 'top', path: [top] }]), ...all]
    .filter(({ path }) => folded(path.join(' / ')).includes(wanted))
    // A name that begins so comes before one that only has it somewhere.
    .toSorted((a, b) => rank(a.path, wanted) - rank(b.path, wanted));
  const current = found[Math.min(at, found.length - 1)];
  return (
    <Dialog title={title} isOpen onClose={onClose}>
      <input
        className={styles.input}
        role="combobox"
        aria-expanded
        aria-controls={listId}
        aria-autocomplete="list"
        aria-activedescendant={current === undefined ? undefined : `${listId}-${current.id}`}
        aria-label={t('picker.filter')}
        placeholder={t('picker.filter')}
        value={typed}
        // The dialog was opened to type here.
        // oxlint-disable-next-line jsx-a11y/no-autofocus
        autoFocus
        onChange={({ target }) => {
          setTyped(target.value);
          setAt(0);
        }}
        onKeyDown={(event) => {
          if (event.key === 'ArrowDown') setAt(Math.min(at + 1, found.length - 1));
          else if (event.key === 'ArrowUp') setAt(Math.max(at - 1, 0));
          else if (event.key === 'Enter' && current !== undefined) onPick(current.folder);
          else return;
          event.preventDefault();
        }}
      />
      <div id={listId} role="listbox" aria-label={title} className={styles.list}>
        {found.map(({ folder, id, path }) => (
          // Keys are the input's: the list is walked through by aria-activedescendant.
          // oxlint-disable-next-line jsx-a11y/click-events-have-key-events
          <div
            key={id}
            id={`${listId}-${id}`}
            role="option"
            tabIndex={-1}
            aria-selected={id === current?.id}
            className={styles.option}
            ref={id === current?.id ? (element) => element?.scrollIntoView({ block: 'nearest' }) : undefined}
            onClick={() => onPick(folder)}
          >
            {folder !== null && <FolderIcon folder={folder} />}
            <span>
              {path.slice(0, -1).map((name) => `${name} / `)}
              <strong>{path.at(-1)}</strong>
            </span>
          </div>
        ))}
      </div>
      {found.length === 0 && <p role="status">{t('picker.none')}</p>}
    </Dialog>
  );
}

function rank(path: readonly string[], wanted: string): number {
  return wanted !== '' && folded(path.at(-1) ?? '').startsWith(wanted) ? 0 : 1;
}
