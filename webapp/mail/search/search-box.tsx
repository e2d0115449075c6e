/** The search: words and operators, chips that put one in, all mail or the folder that is open. */
import { Search, X } from 'lucide-react';
import { type ReactNode, useId, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { IconButton } from '../../ui/button.tsx';
import { useFolderName, useMail } from '../mail-context.tsx';
import { withTerm } from '../search-query.ts';
import styles from './search-box.module.css';

/** Whole terms go off at once; those with an open end wait for their value. */
const CHIPS = [
  { name: 'unread', term: 'is:unread' },
  { name: 'flagged', term: 'is:flagged' },
  { name: 'attachment', term: 'has:attachment' },
  { name: 'from', term: 'from:' },
  { name: 'to', term: 'to:' },
  { name: 'subject', term: 'subject:' },
  { name: 'after', term: 'after:7d' },
  { name: 'before', term: 'before:' },
  { name: 'larger', term: 'larger:5M' },
] as const;

export const SEARCH_INPUT = 'mail-search';
/** Of the rows (list/message-rows.tsx). */
const LIST = 'message-list';

export function SearchBox(): ReactNode {
  const { t } = useTranslation('mail');
  const { place, folder, go } = useMail();
  const folderName = useFolderName();
  const [text, setText] = useState(place.search ?? '');
  const [asked, setAsked] = useState(place.search);
  const [isOpen, setOpen] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const panelId = useId();
  if (asked !== place.search) {
    setAsked(place.search);
    setText(place.search ?? '');
  }

  const search = (wanted: string, everywhere = place.everywhere): void => {
    const trimmed = wanted.trim();
    go({ search: trimmed === '' ? null : trimmed, everywhere, item: null });
    setOpen(false);
  };
  const clear = (): void => {
    setText('');
    if (place.search !== null) go({ search: null, item: null });
    input.current?.focus();
  };
  const scopes = [
    { everywhere: true, label: t('search.everywhere') },
    { everywhere: false, label: folder === null ? t('search.here') : folderName(folder) },
  ];
  return (
    <form
      ref={form}
      role="search"
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        search(text);
        // What was found is what comes next.
        if (text.trim() !== '') document.getElementById(LIST)?.focus();
      }}
    >
      <div
        role="presentation"
        className={styles.box}
        onBlur={(event) => {
          if (!(event.relatedTarget instanceof Node) || form.current?.contains(event.relatedTarget) !== true)
            setOpen(false);
        }}
        onKeyDown={(event) => {
          if (event.key !== 'Escape') return;
          event.stopPropagation();
          if (isOpen) setOpen(false);
          else clear();
        }}
      >
        <Search size={18} aria-hidden className={styles.sign} />
        <input
          ref={input}
          id={SEARCH_INPUT}
          className={styles.input}
          type="search"
          enterKeyHint="search"
          autoComplete="off"
          spellCheck={false}
          aria-label={t('search.label')}
          aria-describedby={panelId}
          placeholder={t('search.placeholder')}
          value={text}
          onFocus={() => setOpen(true)}
          onChange={({ target }) => {
            setText(target.value);
            setOpen(true);
          }}
        />
        {text !== '' && <IconButton label={t('search.clear')} icon={<X size={18} />} onPress={clear} />}
        <div id={panelId} className={styles.panel} hidden={!isOpen}>
          <div className={styles.scope} role="group" aria-label={t('search.where')}>
            {scopes.map(({ everywhere, label }) => (
              <button
                key={String(everywhere)}
                type="button"
                className={styles.chip}
                aria-pressed={place.everywhere === everywhere}
                onClick={() => {
                  if (text.trim() !== '') search(text, everywhere);
                  else go({ everywhere }, { replace: true });
                }}
              >
                {label}
              </button>
            ))}
          </div>
          <div className={styles.chips} role="group" aria-label={t('search.narrow')}>
            {CHIPS.map(({ name, term }) => (
              <button
                key={name}
                type="button"
                className={styles.chip}
                onClick={() => {
                  const next = withTerm(text, term);
                  setText(next);
                  if (term.endsWith(':')) input.current?.focus();
                  else search(next);
                }}
              >
                {t(`search.chips.${name}`)}
                <code>{term}</code>
              </button>
            ))}
          </div>
          <p className={styles.hint}>{t('search.hint')}</p>
        </div>
      </div>
    </form>
  );
}
