/** What was deleted for good and can still be brought back, newest deletion first; found by words, put back where it was. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { ArchiveRestore, History } from 'lucide-react';
import { type ReactNode, useDeferredValue, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from '../../ui/button.tsx';
import { Checkbox, TextField } from '../../ui/field.tsx';
import { Empty, Failed, Loading } from '../../ui/state.tsx';
import { useToast } from '../../ui/toasts.tsx';
import { nameOf } from '../conversation.ts';
import { listDate, wholeDate } from '../dates.ts';
import { useMail } from '../mail-context.tsx';
import {
  ITEMS_SHOWN,
  type RecoverableItem,
  recoverableGet,
  recoverableQuery,
  recoverableRestore,
} from './recoverable-items.ts';
import styles from './recoverable-pane.module.css';

export default function RecoverablePane(): ReactNode {
  const { t } = useTranslation('mail');
  const { store } = useMail();
  const queries = useQueryClient();
  const toast = useToast();
  const { client, accountId } = store;
  const [typed, setTyped] = useState('');
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [isBusy, setBusy] = useState(false);
  const text = useDeferredValue(typed.trim());
  const found = useQuery({
    queryKey: [accountId, 'RecoverableItem', text],
    queryFn: () =>
      client.together(async (call) => {
        const query = call(recoverableQuery, {
          accountId,
          filter: text === '' ? null : { text },
          limit: ITEMS_SHOWN,
          calculateTotal: true,
        });
        const items = call(recoverableGet, { accountId, '#ids': query.ref('/ids') });
        const [{ total, ids }, { list }] = await Promise.all([query.answer, items.answer]);
        return { total: total ?? ids.length, items: list };
      }),
    placeholderData: (before) => before,
  });
  const items = found.data?.items ?? [];
  const ids = items.filter(({ id }) => chosen.has(id)).map(({ id }) => id);
  const restore = (): void => {
    setBusy(true);
    client
      .call(recoverableRestore, { accountId, ids })
      .then(
        ({ restored }) => {
          setChosen(new Set());
          toast({ text: t('recoverable.restored', { count: Object.keys(restored).length }) });
          return queries.invalidateQueries({ queryKey: [accountId, 'RecoverableItem'] });
        },
        (reason: unknown) =>
          toast({
            text: t('actions.failed', { reason: reason instanceof Error ? reason.message : String(reason) }),
            isError: true,
          }),
      )
      .finally(() => setBusy(false));
  };
  return (
    <div className={styles.pane}>
      <header className={styles.head}>
        <h1>{t('folders.recoverable')}</h1>
        <p>{t('recoverable.hint')}</p>
        <TextField label={t('recoverable.find')} value={typed} onChange={setTyped} type="search" />
        {!store.isReadOnly && (
          <div className={styles.tools}>
            <Checkbox
              isSelected={ids.length > 0 && ids.length === items.length}
              isIndeterminate={ids.length > 0 && ids.length < items.length}
              isDisabled={items.length === 0}
              onChange={(on) => setChosen(new Set(on ? items.map(({ id }) => id) : []))}
            >
              {t('list.chooseAll')}
            </Checkbox>
            <Button kind="primary" isDisabled={ids.length === 0 || isBusy} onPress={restore}>
              <ArchiveRestore size={16} aria-hidden />
              {t('recoverable.restore', { count: Math.max(1, ids.length) })}
            </Button>
          </div>
        )}
      </header>
      {found.isError ? (
        <Failed error={found.error} onRetry={() => void found.refetch()} />
      ) : found.isPending ? (
        <Loading />
      ) : items.length === 0 ? (
        <Empty icon={<History size={40} aria-hidden />} title={t(text === '' ? 'recoverable.none' : 'list.notFound')} />
      ) : (
        <ul className={styles.items} aria-label={t('folders.recoverable')}>
          {items.map((item) => (
            <Item
              key={item.id}
              item={item}
              isChosen={chosen.has(item.id)}
              isFixed={store.isReadOnly}
              onChoose={(on) => {
                const after = new Set(chosen);
                if (on) after.add(item.id);
                else after.delete(item.id);
                setChosen(after);
              }}
            />
          ))}
          {(found.data?.total ?? 0) > items.length && (
            <li className={styles.more}>{t('recoverable.more', { count: found.data?.total ?? 0 })}</li>
          )}
        </ul>
      )}
    </div>
  );
}

function Item(props: {
  readonly item: RecoverableItem;
  readonly isChosen: boolean;
  readonly isFixed: boolean;
  readonly onChoose: (on: boolean) => void;
}): ReactNode {
  const { item, isChosen, isFixed, onChoose } = props;
  const { t, i18n } = useTranslation('mail');
  const from = item.from?.[0];
  const words = (
    <span className={styles.words}>
      <span className={styles.line}>
        <strong>{from === undefined ? t('row.noSender') : nameOf(from)}</strong>
        <time dateTime={item.deletedAt} title={wholeDate(item.deletedAt, i18n.language)}>
          {t('recoverable.deleted', { date: listDate(item.deletedAt, i18n.language) })}
        </time>
      </span>
      <span className={styles.subject}>{item.subject ?? t('row.noSubject')}</span>
      <span className={styles.small}>
        {t('recoverable.until', { date: listDate(item.goneAt, i18n.language) })}
        {item.mailboxName !== null && ` · ${item.mailboxName === 'INBOX' ? t('folders.inbox') : item.mailboxName}`}
      </span>
    </span>
  );
  return (
    <li className={styles.item}>
      {isFixed ? (
        words
      ) : (
        <Checkbox isSelected={isChosen} onChange={onChoose}>
          {words}
        </Checkbox>
      )}
    </li>
  );
}
