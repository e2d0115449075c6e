/** What all parts of the mail page share: the mailbox that is open, where the person is in it, and what he has chosen. */
import {
  createContext,
  type Dispatch,
  type ReactNode,
  type SetStateAction,
  useContext,
  useEffect,
  useMemo,
  useState,
  useSyncExternalStore,
} from 'react';
import { useTranslation } from 'react-i18next';
import { useLocation, useSearch } from 'wouter';
import { type JmapClient } from '../jmap/client.ts';
import { useJmap, useOwnAccount, useStateChange } from '../jmap/mailbox.tsx';
import { type MailPlace, placePath, readPlace, RECOVERABLE } from './mail-path.ts';
import type { Mailbox } from './methods.ts';
import { folderNamed, folderTree, roleOf, shownNodes } from './folders/folder-tree.ts';
import { NONE, type Selection } from './selection.ts';
import { listOf, type QuickFilter } from './list/shown-list.ts';
import type { ListSpec } from './store/list-spec.ts';
import { MailStore } from './store/mail-store.ts';
import { useStored } from './stored.ts';

export interface Mail {
  readonly store: MailStore;
  /** Of what the store knows: another number, and what was read out of it may have changed. */
  readonly version: number;
  readonly place: MailPlace;
  readonly go: (to: Partial<MailPlace>, how?: { readonly replace?: boolean }) => void;
  readonly mailboxes: readonly Mailbox[];
  /** Null: recoverable items, or an address that names none. */
  readonly folder: Mailbox | null;
  /** Null where there is no list of messages. */
  readonly spec: ListSpec | null;
  readonly quickFilter: QuickFilter;
  readonly setQuickFilter: (filter: QuickFilter) => void;
  readonly isConversations: boolean;
  readonly setConversations: (on: boolean) => void;
  readonly selection: Selection;
  readonly setSelection: Dispatch<SetStateAction<Selection>>;
  /** The row that keys act on; id of its message. */
  readonly cursor: string | null;
  readonly setCursor: (id: string | null) => void;
}

const MailContext = createContext<Mail | null>(null);

const stores = new WeakMap<JmapClient, Map<string, MailStore>>();

/** One for each mailbox for as long as the session lasts, so that coming back shows what was there. */
function storeOf(client: JmapClient, accountId: string): MailStore {
  const all = stores.get(client) ?? new Map<string, MailStore>();
  stores.set(client, all);
  const known = all.get(accountId);
  if (known !== undefined) return known;
  const made = new MailStore(client, accountId);
  all.set(accountId, made);
  return made;
}

export function MailProvider({ children }: { readonly children: ReactNode }): ReactNode {
  const { client, isConnected } = useJmap();
  const own = useOwnAccount();
  const { i18n } = useTranslation('mail');
  const [path, navigate] = useLocation();
  const query = useSearch();
  const place = useMemo(() => readPlace(path, query), [path, query]);
  const store = storeOf(client, place.account ?? own);
  const version = useSyncExternalStore(store.subscribe, store.version);
  const [quickFilter, setQuickFilter] = useState<QuickFilter>('all');
  const [conversations, setConversations] = useStored('penfold.mail.conversations', ['on', 'off']);
  const [chosen, setChosen] = useState<{ readonly of: string; readonly selection: Selection }>({
    of: '',
    selection: NONE,
  });
  const [cursor, setCursor] = useState<string | null>(null);

  useEffect(() => {
    if (store.mailboxes === null) void store.loadMailboxes();
  }, [store]);
  useStateChange(({ accountId, states }) => {
    const state = states['Email'] ?? states['Mailbox'];
    if (accountId === store.accountId && state !== undefined) void store.sync(state);
  });
  useEffect(() => {
    if (isConnected) void store.sync();
  }, [store, isConnected]);

  const value = useMemo<Mail>(() => {
    const mailboxes = shownNodes(folderTree(store.mailboxes ?? [], i18n.language), () => false).map(
      ({ mailbox }) => mailbox,
    );
    const folder = folderNamed(mailboxes, place.folder);
    const isConversations = conversations !== 'off';
    const spec =
      place.folder === RECOVERABLE && place.search === null
        ? null
        : listOf({ mailboxes, folder, place, quickFilter, isConversations });
    const key = `${store.accountId} ${place.folder} ${place.search ?? ''} ${quickFilter}`;
    return {
      store,
      version,
      place,
      go: (to, { replace = false } = {}) => navigate(placePath({ ...place, ...to }), { replace }),
      mailboxes,
      folder,
      spec,
      quickFilter,
      setQuickFilter,
      isConversations,
      setConversations: (on) => setConversations(on ? 'on' : 'off'),
      selection: chosen.of === key ? chosen.selection : NONE,
      setSelection: (next) =>
        setChosen((before) => ({
          of: key,
          selection: typeof next === 'function' ? next(before.of === key ? before.selection : NONE) : next,
        })),
      cursor,
      setCursor,
    };
  }, [store, version, place, navigate, i18n.language, quickFilter, conversations, setConversations, chosen, cursor]);
  return <MailContext value={value}>{children}</MailContext>;
}

export function useMail(): Mail {
  const mail = useContext(MailContext);
  if (mail === null) throw new Error('useMail outside of MailProvider');
  return mail;
}

/** A folder's name: of those with a role in the person's language. */
export function useFolderName(): (mailbox: Mailbox) => string {
  const { t } = useTranslation('mail');
  return (mailbox) => {
    const role = roleOf(mailbox);
    return role === null ? mailbox.name : t(`folders.${role}`);
  };
}
