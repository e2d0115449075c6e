/**
 * The folders of the mailbox as a tree: by mouse with menu and drag and drop, by keyboard as WAI-ARIA's tree view wants
 * it. Its dialogs are loaded when they are wanted.
 */
import { ChevronDown, ChevronRight, Ellipsis, FolderPlus, History } from 'lucide-react';
import { type KeyboardEvent, lazy, type ReactNode, Suspense, useEffect, useId, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { IconButton } from '../../ui/button.tsx';
import { can } from '../../jmap/session.ts';
import { useJmap } from '../../jmap/mailbox.tsx';
import { Menu } from '../../ui/menu.tsx';
import { useActions } from '../actions/actions-context.tsx';
import { useFolderName, useMail } from '../mail-context.tsx';
import { RECOVERABLE } from '../mail-path.ts';
import { beginFolderDrag, draggedNow } from '../message-drag.ts';
import type { Mailbox } from '../methods.ts';
import { FolderIcon } from './folder-icon.tsx';
import { FolderMenuItems } from './folder-menu.tsx';
import type { FolderQuestion } from './folder-dialogs.tsx';
import { folderKey, type FolderNode, folderTree, shownNodes, unreadOf, withDescendants } from './folder-tree.ts';
import { MailboxSwitcher } from './mailbox-switcher.tsx';
import { useClosedFolders } from './closed-folders.ts';
import styles from './folder-pane.module.css';

const FolderDialogs = lazy(() => import('./folder-dialogs.tsx'));

export function FolderPane({ isFocused = false }: { readonly isFocused?: boolean }): ReactNode {
  const { t, i18n } = useTranslation('mail');
  const { store, mailboxes, place, go, folder } = useMail();
  const { session } = useJmap();
  const { closed, toggle } = useClosedFolders(store.accountId);
  const [question, setQuestion] = useState<FolderQuestion | null>(null);
  const [menuOf, setMenuOf] = useState<string | null>(null);
  const [active, setActive] = useState<string | null>(null);
  const tree = useRef<HTMLUListElement>(null);
  const nodes = shownNodes(folderTree(mailboxes, i18n.language), (id) => closed.has(id));
  const activeId =
    nodes.find(({ mailbox }) => mailbox.id === active)?.mailbox.id ?? folder?.id ?? nodes[0]?.mailbox.id ?? null;
  useEffect(() => {
    if (isFocused) tree.current?.querySelector<HTMLElement>('[tabindex="0"]')?.focus();
  }, [isFocused]);

  const focus = (node: FolderNode | undefined): void => {
    if (node === undefined) return;
    setActive(node.mailbox.id);
    tree.current?.querySelector<HTMLElement>(`[data-folder="${node.mailbox.id}"]`)?.focus();
  };
  const open = (mailbox: Mailbox): void => go({ folder: folderKey(mailbox), item: null, search: null });
  const onKeyDown = (event: KeyboardEvent): void => {
    const at = nodes.findIndex(({ mailbox }) => mailbox.id === activeId);
    const node = nodes[at];
    if (node === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    const isClosed = closed.has(node.mailbox.id);
    const key = event.shiftKey && event.key === 'F10' ? 'ContextMenu' : event.key;
    switch (key) {
      case 'ArrowDown':
        focus(nodes[at + 1]);
        break;
      case 'ArrowUp':
        focus(nodes[at - 1]);
        break;
      case 'Home':
        focus(nodes[0]);
        break;
      case 'End':
        focus(nodes.at(-1));
        break;
      case 'ArrowRight':
        if (node.children.length > 0 && isClosed) toggle(node.mailbox.id);
        else if (node.children.length > 0) focus(nodes[at + 1]);
        break;
      case 'ArrowLeft':
        if (node.children.length > 0 && !isClosed) toggle(node.mailbox.id);
        else focus(nodes.find(({ mailbox }) => mailbox.id === node.mailbox.parentId));
        break;
      case 'Enter':
      case ' ':
        open(node.mailbox);
        break;
      case 'ContextMenu':
        setMenuOf(node.mailbox.id);
        break;
      case 'F2':
        if (node.mailbox.myRights.mayRename) setQuestion({ kind: 'rename', folder: node.mailbox });
        break;
      case 'Delete':
        if (node.mailbox.myRights.mayDelete) setQuestion({ kind: 'delete', folder: node.mailbox });
        break;
      default:
        return;
    }
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div className={styles.pane}>
      <MailboxSwitcher />
      <ul ref={tree} role="tree" aria-label={t('panes.folders')} className={styles.tree} onKeyDown={onKeyDown}>
        {nodes.map((node) => (
          <FolderRow
            key={node.mailbox.id}
            node={node}
            isClosed={closed.has(node.mailbox.id)}
            isHere={place.search === null && node.mailbox.id === folder?.id}
            isActive={node.mailbox.id === activeId}
            isMenuOpen={menuOf === node.mailbox.id}
            onMenu={(isOpen) => setMenuOf(isOpen ? node.mailbox.id : null)}
            onToggle={() => toggle(node.mailbox.id)}
            onOpen={() => {
              setActive(node.mailbox.id);
              open(node.mailbox);
            }}
            onAsk={setQuestion}
          />
        ))}
      </ul>
      <div className={styles.foot}>
        {!store.isReadOnly && (
          <button type="button" className={styles.more} onClick={() => setQuestion({ kind: 'create', parent: null })}>
            <FolderPlus size={18} aria-hidden />
            {t('folder.create')}
          </button>
        )}
        {can(session, 'recoverable') && (
          <button
            type="button"
            className={styles.more}
            aria-current={place.folder === RECOVERABLE ? 'page' : undefined}
            onClick={() => go({ folder: RECOVERABLE, item: null, search: null })}
          >
            <History size={18} aria-hidden />
            {t('folders.recoverable')}
          </button>
        )}
      </div>
      {question !== null && (
        <Suspense fallback={null}>
          <FolderDialogs question={question} onClose={() => setQuestion(null)} />
        </Suspense>
      )}
    </div>
  );
}

interface FolderRowProps {
  readonly node: FolderNode;
  readonly isClosed: boolean;
  readonly isHere: boolean;
  readonly isActive: boolean;
  readonly isMenuOpen: boolean;
  readonly onMenu: (isOpen: boolean) => void;
  readonly onToggle: () => void;
  readonly onOpen: () => void;
  readonly onAsk: (question: FolderQuestion) => void;
}

/** A folder that is hovered this long with something dragged opens. */
const OPENS_AFTER_MS = 700;

function FolderRow(props: FolderRowProps): ReactNode {
  const { node, isClosed, isHere, isActive, isMenuOpen, onMenu, onToggle, onOpen, onAsk } = props;
  const { t, i18n } = useTranslation('mail');
  const { store, mailboxes } = useMail();
  const actions = useActions();
  const folderName = useFolderName();
  const [isOver, setOver] = useState(false);
  const row = useRef<HTMLDivElement>(null);
  const opening = useRef<number | undefined>(undefined);
  const { mailbox, level, children } = node;
  const unread = mailbox.role === 'drafts' ? mailbox.totalEmails : unreadOf(node, isClosed);
  const name = folderName(mailbox);
  const nameId = useId();
  const countId = useId();

  const accepts = (): boolean => {
    const dragged = draggedNow();
    if (dragged === null || dragged.accountId !== store.accountId) return false;
    return dragged.kind === 'messages'
      ? mailbox.myRights.mayAddItems
      : mailbox.myRights.mayCreateChild && !withDescendants(mailboxes, dragged.folderId).has(mailbox.id);
  };
  const left = (): void => {
    clearTimeout(opening.current);
    opening.current = undefined;
    setOver(false);
  };
  return (
    <li role="none">
      {/* Keys are the tree's. */}
      {/* oxlint-disable-next-line jsx-a11y/click-events-have-key-events */}
      <div
        ref={row}
        role="treeitem"
        tabIndex={isActive ? 0 : -1}
        data-folder={mailbox.id}
        aria-labelledby={unread === 0 ? nameId : `${nameId} ${countId}`}
        aria-level={level}
        aria-selected={isHere}
        aria-expanded={children.length === 0 ? undefined : !isClosed}
        className={isOver ? `${styles.row} ${styles.over}` : styles.row}
        style={{ paddingInlineStart: 4 + (level - 1) * 16 }}
        draggable={mailbox.myRights.mayRename}
        onDragStart={(event) => beginFolderDrag(event.dataTransfer, store.accountId, mailbox.id, name)}
        onDragOver={(event) => {
          if (!accepts()) return;
          event.preventDefault();
          event.dataTransfer.dropEffect = event.ctrlKey && draggedNow()?.kind === 'messages' ? 'copy' : 'move';
          setOver(true);
          if (isClosed && children.length > 0) opening.current ??= window.setTimeout(onToggle, OPENS_AFTER_MS);
        }}
        onDragLeave={left}
        onDrop={(event) => {
          event.preventDefault();
          left();
          const dragged = draggedNow();
          if (dragged === null || !accepts()) return;
          if (dragged.kind === 'folder') onAsk({ kind: 'place', folderId: dragged.folderId, parent: mailbox });
          else if (event.ctrlKey) actions.copyTo(mailbox, dragged.targets);
          else actions.moveTo(mailbox, dragged.targets);
        }}
        onClick={onOpen}
        onContextMenu={(event) => {
          event.preventDefault();
          onMenu(true);
        }}
      >
        {children.length > 0 ? (
          <button
            type="button"
            tabIndex={-1}
            aria-hidden
            className={styles.twist}
            onClick={(event) => {
              event.stopPropagation();
              onToggle();
            }}
          >
            {isClosed ? <ChevronRight size={16} /> : <ChevronDown size={16} />}
          </button>
        ) : (
          <span className={styles.twist} />
        )}
        <FolderIcon folder={mailbox} />
        <span id={nameId} className={unread > 0 ? `${styles.name} ${styles.unread}` : styles.name}>
          {`${name} `}
        </span>
        {unread > 0 && (
          <span id={countId} className={styles.count}>
            {new Intl.NumberFormat(i18n.language).format(unread)}
            <span className="visually-hidden"> {t(mailbox.role === 'drafts' ? 'list.drafts' : 'list.unreadOnes')}</span>
          </span>
        )}
        <span className={styles.menu} data-open={isMenuOpen || undefined}>
          {isMenuOpen ? (
            <Menu
              label={t('folder.menu', { name })}
              isOpen
              onOpenChange={(open) => {
                onMenu(open);
                if (!open) row.current?.focus();
              }}
              trigger={<IconButton label={t('folder.menu', { name })} icon={<Ellipsis size={16} />} />}
            >
              <FolderMenuItems folder={mailbox} onAsk={onAsk} />
            </Menu>
          ) : (
            <button
              type="button"
              className={styles.menuButton}
              tabIndex={isActive ? 0 : -1}
              aria-haspopup="menu"
              aria-label={t('folder.menu', { name })}
              onClick={(event) => {
                event.stopPropagation();
                onMenu(true);
              }}
            >
              <Ellipsis size={16} aria-hidden />
            </button>
          )}
        </span>
      </div>
    </li>
  );
}
