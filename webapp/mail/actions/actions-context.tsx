/**
 * What can be done with messages, from wherever it is asked for: list, reading pane, keys, menus, drag and drop. Shown at
 * once, with a way back; what the server refuses is taken back and said.
 */
import { createContext, lazy, type ReactNode, Suspense, useContext, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useToast } from '../../ui/toasts.tsx';
import { useLayout } from '../layout.ts';
import { useFolderName, useMail } from '../mail-context.tsx';
import type { Mailbox } from '../methods.ts';
import { isEmpty, NONE } from '../selection.ts';
import { type Action, isForGood, rowAfter, targetOf } from './edits.ts';
import { perform } from './perform.ts';
import type { Question } from './questions.tsx';
import { emailIdsOf, NO_TARGETS, type Targets } from './targets.ts';

export interface Actions {
  /** What keys and toolbars act on: the rows chosen, else the one under the cursor or open. */
  readonly targets: () => Targets;
  readonly mark: (kind: 'read' | 'unread' | 'flag' | 'unflag', targets?: Targets) => void;
  readonly archive: (targets?: Targets) => void;
  readonly junk: (isJunk: boolean, targets?: Targets) => void;
  /** To Deleted Items; from there for good, which is asked first. */
  readonly remove: (targets?: Targets) => void;
  readonly moveTo: (folder: Mailbox, targets?: Targets) => void;
  readonly copyTo: (folder: Mailbox, targets?: Targets) => void;
  /** Asks where to. */
  readonly pick: (kind: 'move' | 'copy', targets?: Targets) => void;
  /** Every message of the folder is deleted for good, once the person has said yes. */
  readonly empty: (folder: Mailbox) => void;
  readonly undo: () => void;
  /** 0–1 while a long action runs; null: none does. */
  readonly progress: number | null;
}

const loadQuestions = () => import('./questions.tsx');
const Questions = lazy(loadQuestions);
/** Once the list is there: who presses a key and types on at once must not type into the list. */
const LOAD_QUESTIONS_MS = 2_000;

const ActionsContext = createContext<Actions | null>(null);

/** An action on more shows how far it is, and says what it has done only then. */
const SHOWS_PROGRESS = 200;

/** The row of what is open, or the newest message of it. */
function openRow({ store, place, folder }: ReturnType<typeof useMail>): string | null {
  const { item } = place;
  if (item === null || store.email(item) !== null) return item;
  const emails = store.emailsOf(item);
  const here = folder === null ? undefined : emails.findLast((email) => email.mailboxIds[folder.id] === true);
  return (here ?? emails.at(-1))?.id ?? null;
}

export function ActionsProvider({ children }: { readonly children: ReactNode }): ReactNode {
  const { t } = useTranslation('mail');
  const mail = useMail();
  const layout = useLayout();
  const toast = useToast();
  const folderName = useFolderName();
  const [question, setQuestion] = useState<Question | null>(null);
  const [progress, setProgress] = useState<number | null>(null);
  const lastUndo = useRef<(() => void) | null>(null);
  useEffect(() => {
    // One that fails is loaded again when it is wanted.
    const timer = setTimeout(() => void loadQuestions().catch(() => {}), LOAD_QUESTIONS_MS);
    return () => clearTimeout(timer);
  }, []);
  const { store, spec, mailboxes, folder, place } = mail;

  const targets = (): Targets => {
    if (!isEmpty(mail.selection)) return { rows: [...mail.selection.ids], isAll: mail.selection.isAll };
    const row = layout === 'one' ? (openRow(mail) ?? mail.cursor) : (mail.cursor ?? openRow(mail));
    return row === null ? NO_TARGETS : { rows: [row], isAll: false };
  };

  const failed = (reason: unknown): void =>
    toast({
      text: t('actions.failed', { reason: reason instanceof Error ? reason.message : String(reason) }),
      isError: true,
    });

  /** The rows leave the list: what is open or under the cursor goes on to the next. */
  const goOn = ({ rows, isAll, isSingle = false }: Targets): void => {
    mail.setSelection(NONE);
    if (spec === null || isSingle) return;
    const list = store.list(spec);
    const next = isAll ? null : rowAfter(list.between(0, list.total ?? 0), new Set(rows));
    if (mail.cursor !== null && (isAll || rows.includes(mail.cursor))) mail.setCursor(next);
    const { item } = place;
    if (item === null) return;
    if (!isAll && !rows.some((id) => id === item || store.email(id)?.threadId === item)) return;
    const email = layout === 'one' || next === null ? null : store.email(next);
    const after = email === null ? null : spec.isCollapsed ? email.threadId : email.id;
    mail.go({ item: after }, { replace: true });
  };

  const run = async (action: Action, chosen: Targets): Promise<void> => {
    try {
      const ids = await emailIdsOf(store, spec, chosen, action.kind);
      if (ids.length === 0) return;
      const leaves = action.kind === 'destroy' || ('to' in action && action.kind !== 'copy');
      const isLong = ids.length > SHOWS_PROGRESS;
      // Of what is seen at once nothing is said.
      const isSilent = ids.length === 1 && !('to' in action) && action.kind !== 'destroy';
      const things =
        spec?.isCollapsed === true && chosen.isSingle !== true && !chosen.isAll
          ? t('count.conversations', { count: chosen.rows.length })
          : t('count.messages', { count: ids.length });
      const text = t(`actions.done.${action.kind}`, { things, folder: 'to' in action ? folderName(action.to) : '' });
      if (leaves) goOn(chosen);
      if (isLong) setProgress(0);
      const performed = perform(store, spec, action, ids, isLong ? setProgress : undefined);
      const undo = (): void => {
        lastUndo.current = null;
        performed.undo?.().catch(failed);
      };
      lastUndo.current = performed.undo === null ? null : undo;
      const say = (): void => {
        if (!isSilent)
          toast({ text, ...(performed.undo === null ? {} : { action: { label: t('actions.undo'), run: undo } }) });
      };
      if (!isLong) say();
      await performed.done;
      if (isLong) say();
    } catch (reason) {
      failed(reason);
    } finally {
      setProgress(null);
    }
  };

  const start = (action: Action, chosen: Targets): void => {
    if (!store.isReadOnly && (chosen.rows.length > 0 || chosen.isAll)) void run(action, chosen);
  };
  const toRole = (kind: 'archive' | 'junk' | 'notJunk' | 'delete', chosen: Targets): void => {
    const to = targetOf(kind, mailboxes);
    if (to === null) toast({ text: t(`actions.noFolder.${kind}`), isError: true });
    else start({ kind, to }, chosen);
  };
  const ask = (asked: Question): void => {
    if (!store.isReadOnly) setQuestion(asked);
  };

  const actions: Actions = {
    targets,
    mark: (kind, chosen = targets()) => start({ kind }, chosen),
    archive: (chosen = targets()) => toRole('archive', chosen),
    junk: (isJunk, chosen = targets()) => toRole(isJunk ? 'junk' : 'notJunk', chosen),
    remove: (chosen = targets()) => {
      if (chosen.rows.length === 0 && !chosen.isAll) return;
      if (isForGood(folder, mailboxes)) ask({ kind: 'destroy', targets: chosen });
      else toRole('delete', chosen);
    },
    moveTo: (to, chosen = targets()) => start({ kind: 'move', to }, chosen),
    copyTo: (to, chosen = targets()) => start({ kind: 'copy', to }, chosen),
    pick: (kind, chosen = targets()) => {
      if (chosen.rows.length > 0 || chosen.isAll) ask({ kind, targets: chosen });
    },
    empty: (which) => ask({ kind: 'empty', folder: which }),
    undo: () => lastUndo.current?.(),
    progress,
  };

  const emptied = async (which: Mailbox): Promise<void> => {
    try {
      const ids = await store.idsOf({ filter: { inMailbox: which.id }, mailboxId: which.id, isCollapsed: false });
      if (folder?.id === which.id) mail.go({ item: null }, { replace: true });
      setProgress(0);
      await perform(store, null, { kind: 'destroy' }, ids, setProgress).done;
      toast({ text: t('actions.done.destroy', { things: t('count.messages', { count: ids.length }) }) });
    } catch (reason) {
      failed(reason);
    } finally {
      setProgress(null);
    }
  };

  return (
    <ActionsContext value={actions}>
      {children}
      {question !== null && (
        <Suspense fallback={null}>
          <Questions
            question={question}
            onClose={() => setQuestion(null)}
            onPick={(kind, to, chosen) => start({ kind, to }, chosen)}
            onDestroy={(chosen) => start({ kind: 'destroy' }, chosen)}
            onEmpty={(which) => void emptied(which)}
          />
        </Suspense>
      )}
    </ActionsContext>
  );
}

export function useActions(): Actions {
  const actions = useContext(ActionsContext);
  if (actions === null) throw new Error('useActions outside of ActionsProvider');
  return actions;
}
