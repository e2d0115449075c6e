/** The keys of the mail page (`shortcuts.ts`), heard wherever the focus is but in fields, menus and dialogs. */
import { lazy, type ReactNode, Suspense, useEffect, useRef, useState } from 'react';
import { useComposer } from '../compose/composer.tsx';
import { useActions } from './actions/actions-context.tsx';
import { isFlagged, isUnread } from './conversation.ts';
import { withRole } from './folders/folder-tree.ts';
import { useLayout } from './layout.ts';
import { useMail } from './mail-context.tsx';
import { SEARCH_INPUT } from './search/search-box.tsx';
import { ALL, isEmpty, NONE, toggled } from './selection.ts';
import { type Command, commandOf, SEQUENCE_MS } from './shortcuts.ts';
import { useStable } from './stable.ts';

const ShortcutHelp = lazy(() => import('./shortcut-help.tsx'));

/** Reading goes on while a key is held down; the page is loaded where it ends. */
const OPENS_AFTER_MS = 120;

/** Where letters are for typing, or keys mean something else. */
const TAKEN = 'input, textarea, select, [contenteditable="true"], [role="dialog"], [role="alertdialog"], [role="menu"]';
/** These act on Enter and arrows by themselves. */
const ACTS = 'button, a[href], summary, [role="separator"], [role="treeitem"]';

export function MailKeys(): ReactNode {
  const mail = useMail();
  const actions = useActions();
  const layout = useLayout();
  const openComposer = useComposer();
  const [isHelpOpen, setHelpOpen] = useState(false);
  const opening = useRef<number | undefined>(undefined);
  const { store, spec, place, folder, selection, setSelection, cursor, setCursor, mailboxes } = mail;
  const list = spec === null ? null : store.list(spec);

  const itemOf = (row: string): string | null => {
    const email = store.email(row);
    return email === null || spec === null ? null : spec.isCollapsed ? email.threadId : email.id;
  };
  const open = (row: string | null): void => {
    const email = row === null ? null : store.email(row);
    if (row === null || email === null) return;
    if (folder?.role === 'drafts' && !store.isReadOnly) {
      openComposer({ accountId: store.accountId, kind: 'draft', emailId: row });
      return;
    }
    mail.go({ item: itemOf(row) }, { replace: place.item !== null && layout !== 'one' });
  };
  const step = (by: 1 | -1): void => {
    if (list === null) return;
    const at = cursor === null ? -1 : list.indexOf(cursor);
    const next = list.at(at < 0 ? 0 : at + by);
    if (next === null) return;
    setCursor(next);
    // In the list alone the cursor walks; with something open, what is open walks along.
    if (place.item === null || folder?.role === 'drafts') return;
    clearTimeout(opening.current);
    opening.current = window.setTimeout(() => open(next), OPENS_AFTER_MS);
  };
  const newest = (): string | null => {
    const [row] = actions.targets().rows;
    if (row === undefined) return null;
    const email = store.email(row);
    const thread = email === null || place.item !== email.threadId ? [] : store.emailsOf(email.threadId);
    return thread.findLast((one) => one.keywords['$draft'] !== true)?.id ?? row;
  };
  const write = (kind: 'reply' | 'replyAll' | 'forward'): void => {
    const emailId = newest();
    if (emailId !== null && !store.isReadOnly) openComposer({ accountId: store.accountId, kind, emailId });
  };
  const goTo = (role: Parameters<typeof withRole>[1]): void => {
    if (withRole(mailboxes, role) !== null) mail.go({ folder: role, item: null, search: null });
  };
  const back = (): void => {
    if (!isEmpty(selection)) setSelection(NONE);
    else if (place.item !== null) mail.go({ item: null });
    else if (place.search !== null) mail.go({ search: null });
  };
  const rowsOf = (): readonly string[] => actions.targets().rows;

  const run: Readonly<Record<Command, () => void>> = {
    next: () => step(1),
    previous: () => step(-1),
    open: () => open(cursor),
    back,
    select: () => {
      if (cursor !== null && list !== null)
        setSelection((before) => toggled(before, cursor, list.between(0, list.total ?? 0)));
    },
    selectAll: () => setSelection(ALL),
    toggleUnread: () => actions.mark(rowsOf().some((id) => isUnreadRow(id)) ? 'read' : 'unread'),
    markRead: () => actions.mark('read'),
    markUnread: () => actions.mark('unread'),
    flag: () =>
      actions.mark(
        rowsOf().every((id) => {
          const email = store.email(id);
          return email !== null && isFlagged(email);
        })
          ? 'unflag'
          : 'flag',
      ),
    archive: () => actions.archive(),
    delete: () => actions.remove(),
    junk: () => actions.junk(folder?.role !== 'junk'),
    move: () => actions.pick('move'),
    undo: () => actions.undo(),
    compose: () => {
      if (!store.isReadOnly) openComposer({ accountId: store.accountId, kind: 'new' });
    },
    reply: () => write('reply'),
    replyAll: () => write('replyAll'),
    forward: () => write('forward'),
    expandAll: () => document.dispatchEvent(new CustomEvent('penfold:expand-all')),
    search: () => document.getElementById(SEARCH_INPUT)?.focus(),
    help: () => setHelpOpen(true),
    goInbox: () => goTo('inbox'),
    goDrafts: () => goTo('drafts'),
    goSent: () => goTo('sent'),
    goArchive: () => goTo('archive'),
    goJunk: () => goTo('junk'),
    goTrash: () => goTo('trash'),
  };
  function isUnreadRow(id: string): boolean {
    const email = store.email(id);
    if (email === null) return true;
    return spec?.isCollapsed === true
      ? store.emailsOf(email.threadId).some(isUnread) || isUnread(email)
      : isUnread(email);
  }

  const hears = useStable({ run });
  useEffect(() => {
    let begun: string | null = null;
    let timer: number | undefined;
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.isComposing || !(event.target instanceof Element)) return;
      if (event.target.closest(TAKEN) !== null || document.querySelector('[role="menu"], [aria-modal="true"]') !== null)
        return;
      if ((event.key === 'Enter' || event.key.startsWith('Arrow')) && event.target.closest(ACTS) !== null) return;
      const heard = commandOf(event, begun);
      begun = null;
      clearTimeout(timer);
      if (heard === null) return;
      event.preventDefault();
      if ('command' in heard) {
        hears.current.run[heard.command]();
        return;
      }
      begun = heard.begins;
      timer = window.setTimeout(() => {
        begun = null;
      }, SEQUENCE_MS);
    };
    document.addEventListener('keydown', onKeyDown);
    return () => {
      document.removeEventListener('keydown', onKeyDown);
      clearTimeout(timer);
    };
  }, [hears]);
  return isHelpOpen ? (
    <Suspense fallback={null}>
      <ShortcutHelp onClose={() => setHelpOpen(false)} />
    </Suspense>
  ) : null;
}
