/**
 * The rows of a list that may have 100,000: only those in sight are drawn, what comes near is fetched, and what is
 * looked at stays where it is when mail comes in above. A grid for screen readers, with the cursor as its active row.
 */
import { useVirtualizer } from '@tanstack/react-virtual';
import { type ReactNode, useEffect, useLayoutEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { useComposer } from '../../compose/composer.tsx';
import { useActions } from '../actions/actions-context.tsx';
import { isDraft } from '../conversation.ts';
import { useLayout } from '../layout.ts';
import { useMail } from '../mail-context.tsx';
import { extended, isChosen, isEmpty, toggled } from '../selection.ts';
import type { ListSpec } from '../store/list-spec.ts';
import { beginMessageDrag } from '../message-drag.ts';
import { useStable } from '../stable.ts';
import { MessageRow, ROW_HEIGHT, type RowEvents, rowElementId } from './message-row.tsx';
import { useSnippets } from './snippets.ts';
import styles from './list-pane.module.css';

/** Rows fetched ahead on both sides. */
const AHEAD = 24;

export function MessageRows({ spec }: { readonly spec: ListSpec }): ReactNode {
  const { t } = useTranslation('mail');
  const mail = useMail();
  const { store, version, place, selection, setSelection, cursor, setCursor, folder } = mail;
  const layout = useLayout();
  const actions = useActions();
  const openComposer = useComposer();
  const scroller = useRef<HTMLDivElement>(null);
  const list = store.list(spec);
  const count = list.total ?? 0;
  // Its functions change with every scroll, as they should: nothing here is memoized by a compiler.
  // oxlint-disable-next-line react/incompatible-library
  const virtual = useVirtualizer({
    count: list.total === null ? 12 : count,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 6,
  });
  const items = virtual.getVirtualItems();
  const offset = virtual.scrollOffset ?? 0;
  const from = Math.max(0, (items[0]?.index ?? 0) - AHEAD);
  const to = (items.at(-1)?.index ?? 0) + 1 + AHEAD;
  useEffect(() => store.show(spec, from, to), [store, spec, from, to]);

  // What stands at the top of the window stays there, whatever comes or goes above it.
  const anchor = useRef<{ readonly id: string; readonly index: number } | null>(null);
  useLayoutEffect(() => {
    // As the browser told it last: to ask for it now would make it lay out the page.
    const top = Math.floor(offset / ROW_HEIGHT);
    if (anchor.current !== null && offset > 0) {
      const index = list.indexOf(anchor.current.id);
      if (index >= 0 && index !== anchor.current.index) {
        scroller.current?.scrollBy({ top: (index - anchor.current.index) * ROW_HEIGHT, behavior: 'instant' });
        anchor.current = { id: anchor.current.id, index };
        return;
      }
    }
    const id = list.at(top);
    anchor.current = id === null ? null : { id, index: top };
  }, [list, version, offset]);

  // The cursor is kept in sight; so is what the address opens.
  useEffect(() => {
    const index = cursor === null ? -1 : list.indexOf(cursor);
    if (index >= 0) virtual.scrollToIndex(index, { align: 'auto' });
  }, [cursor, list, virtual]);

  const snippets = useSnippets(store, spec, place.search === null ? null : list.between(from, to));
  const isChoosing = !isEmpty(selection);

  const openRow = (id: string): void => {
    const email = store.email(id);
    if (email === null) return;
    setCursor(id);
    if (isDraft(email) && folder?.role === 'drafts' && !store.isReadOnly) {
      openComposer({ accountId: store.accountId, kind: 'draft', emailId: id });
      return;
    }
    mail.go({ item: spec.isCollapsed ? email.threadId : id }, { replace: place.item !== null && layout !== 'one' });
  };
  const choose = (id: string, how: 'toggle' | 'range' | 'rangeToo'): void => {
    const index = list.indexOf(id);
    if (index < 0) return;
    setCursor(id);
    if (how === 'toggle') {
      setSelection((before) => toggled(before, id, list.between(0, count)));
      return;
    }
    const anchorId = selection.anchor ?? cursor ?? id;
    const start = Math.max(0, list.indexOf(anchorId));
    const [first, last] = [Math.min(start, index), Math.max(start, index) + 1];
    const known = list.between(first, last);
    const take = (range: readonly string[]): void =>
      setSelection((before) => extended({ ...before, anchor: anchorId }, range, how === 'rangeToo'));
    take(known);
    // What lies between and was never looked at belongs to it too.
    if (known.length < last - first) store.idsOf(spec, { from: first, to: last }).then(take, () => {});
  };

  const showsRecipients = folder?.role === 'sent' || folder?.role === 'drafts';
  const hears = useStable<RowEvents>({
    open: (id) => {
      setSelection({ ids: new Set(), anchor: id, isAll: false });
      openRow(id);
    },
    choose,
    act: (id, kind) => {
      const targets = { rows: [id], isAll: false };
      switch (kind) {
        case 'archive':
          return actions.archive(targets);
        case 'delete':
          return actions.remove(targets);
        default:
          return actions.mark(kind, targets);
      }
    },
    drag: (id, event) => {
      if (store.isReadOnly) {
        event.preventDefault();
        return;
      }
      const isAmong = !isEmpty(selection) && isChosen(selection, id);
      const targets = isAmong ? { rows: [...selection.ids], isAll: selection.isAll } : { rows: [id], isAll: false };
      const dragged = targets.isAll ? count : targets.rows.length;
      beginMessageDrag(
        event.dataTransfer,
        { accountId: store.accountId, targets },
        t('drag.messages', { count: dragged }),
      );
    },
  });

  return (
    <div
      ref={scroller}
      role="grid"
      aria-label={t('list.label')}
      aria-rowcount={list.total ?? -1}
      aria-multiselectable
      aria-activedescendant={cursor !== null && list.indexOf(cursor) >= 0 ? rowElementId(cursor) : undefined}
      aria-busy={list.total === null}
      tabIndex={0}
      hidden={list.total === 0}
      id="message-list"
      className={isChoosing ? `${styles.rows} ${styles.choosing}` : styles.rows}
      onKeyDown={(event) => {
        if (event.key === ' ' && cursor !== null) {
          event.preventDefault();
          choose(cursor, event.shiftKey ? 'range' : 'toggle');
        }
      }}
      onFocus={() => {
        if (cursor === null) setCursor(list.at(Math.floor((scroller.current?.scrollTop ?? 0) / ROW_HEIGHT)));
      }}
    >
      <div role="rowgroup" className={styles.space} style={{ height: virtual.getTotalSize() }}>
        {items.map(({ index, start }) => {
          const id = list.at(index);
          const email = id === null ? null : store.email(id);
          const isOpen =
            email !== null && place.item !== null && place.item === (spec.isCollapsed ? email.threadId : email.id);
          return (
            <MessageRow
              key={id ?? `at ${index}`}
              id={id}
              store={store}
              spec={spec}
              index={index}
              start={start}
              isOpen={isOpen}
              isChosen={id !== null && isChosen(selection, id)}
              isCursor={id !== null && id === cursor}
              snippet={id === null ? null : (snippets.get(id) ?? null)}
              showsRecipients={showsRecipients}
              hears={hears}
            />
          );
        })}
      </div>
    </div>
  );
}
