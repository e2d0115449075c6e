/** One window: what it needs is asked of the server first, then one can write. */
import { useQuery } from '@tanstack/react-query';
import { Maximize2, Minimize2, Minus, X } from 'lucide-react';
import { type ReactNode, useEffect, useId, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useJmap } from '../../jmap/mailbox.tsx';
import { IconButton } from '../../ui/button.tsx';
import { Failed, Loading } from '../../ui/state.tsx';
import type { View } from '../composer-windows.tsx';
import { NoSender } from '../senders.ts';
import { NotThere, prepare } from '../prepare.ts';
import type { OpenedComposer } from '../request.ts';
import { Writing } from './writing.tsx';
import styles from './window.module.css';

export interface ComposerWindowProps {
  readonly opened: OpenedComposer;
  readonly view: View;
  readonly isNarrow: boolean;
  /** Another one stands in front of it, on a screen that shows one. */
  readonly isCovered: boolean;
  readonly onView: (view: View) => void;
  readonly onClose: () => void;
}

/** What the message says of itself, for its title bar. */
export interface Heading {
  readonly title: string;
  readonly status: string;
  readonly isWrong: boolean;
}

export function ComposerWindow(props: ComposerWindowProps): ReactNode {
  const { opened, view, isNarrow, isCovered, onView, onClose } = props;
  const { t, i18n } = useTranslation('compose');
  const { client } = useJmap();
  const id = useId();
  const [heading, setHeading] = useState<Heading>({ title: '', status: '', isWrong: false });
  /** Sent or thrown away, and can still come back. */
  const [isAway, setAway] = useState(false);
  const [closing, setClosing] = useState(0);
  const prepared = useQuery({
    queryKey: ['composer', opened.key],
    queryFn: () => prepare(client, opened.request, t, i18n.language),
    // Asked once: what is written must not be replaced by what comes later.
    staleTime: 'static',
    gcTime: 0,
  });
  const title = heading.title === '' ? t('window.new') : heading.title;
  const isMinimized = view === 'minimized' && !isNarrow;
  const isShown = !isMinimized && !isAway && !isCovered;
  const section = useRef<HTMLElement>(null);
  const { calls } = opened;
  useEffect(() => {
    const before = document.activeElement;
    return () => {
      const back = before instanceof HTMLElement && before.isConnected ? before : document.getElementById('page');
      back?.focus();
    };
  }, []);
  useEffect(() => {
    const present = section.current;
    if (!isShown || present === null) return;
    // Asked for again, it takes the focus wherever that is.
    if (calls === 0 && present.contains(document.activeElement)) return;
    (present.querySelector<HTMLElement>('[contenteditable="true"], textarea') ?? present).focus();
  }, [isShown, calls]);
  const className = [styles.window, styles[isMinimized ? 'minimized' : view], isNarrow ? styles.page : '']
    .filter((one) => one !== '')
    .join(' ');
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- keys of all that is in it
    <section
      ref={section}
      tabIndex={-1}
      role="dialog"
      aria-labelledby={`${id}-title`}
      className={className}
      hidden={isAway || isCovered}
      // Keys of the pages behind it must not hear what is written here.
      onKeyDown={(event) => {
        event.stopPropagation();
        // Menus and dialogs of the window stand elsewhere in the page, and close by themselves.
        const isInside = event.target instanceof Node && section.current?.contains(event.target) === true;
        if (event.key !== 'Escape' || !isInside) return;
        event.preventDefault();
        setClosing((count) => count + 1);
      }}
    >
      <header className={styles.bar}>
        <h2 id={`${id}-title`} className={styles.title}>
          <button
            type="button"
            className={styles.open}
            disabled={isNarrow}
            aria-expanded={!isMinimized}
            onClick={() => onView(isMinimized ? 'docked' : 'minimized')}
          >
            {title}
          </button>
        </h2>
        <span className={heading.isWrong ? `${styles.status} ${styles.wrong}` : styles.status}>{heading.status}</span>
        {!isNarrow && (
          <>
            <IconButton
              label={t(isMinimized ? 'window.restore' : 'window.minimize')}
              icon={<Minus size={17} />}
              onPress={() => onView(isMinimized ? 'docked' : 'minimized')}
            />
            <IconButton
              label={t(view === 'full' ? 'window.small' : 'window.full')}
              icon={view === 'full' ? <Minimize2 size={16} /> : <Maximize2 size={16} />}
              onPress={() => onView(view === 'full' ? 'docked' : 'full')}
            />
          </>
        )}
        <IconButton
          label={t('window.close')}
          icon={<X size={18} />}
          shortcut="Esc"
          onPress={() => {
            if (prepared.data === undefined) onClose();
            else setClosing((count) => count + 1);
          }}
        />
      </header>
      <div className={styles.inside} hidden={isMinimized}>
        {prepared.data !== undefined ? (
          <Writing
            openedKey={opened.key}
            prepared={prepared.data}
            closing={closing}
            onHeading={setHeading}
            onAway={setAway}
            onClose={onClose}
            onAskToClose={() => setClosing((count) => count + 1)}
          />
        ) : prepared.error !== null ? (
          <Failed
            error={wordsOf(prepared.error, t('window.gone'), t('window.noSender'))}
            onRetry={() => void prepared.refetch()}
          />
        ) : (
          <Loading />
        )}
      </div>
    </section>
  );
}

function wordsOf(error: Error, gone: string, noSender: string): Error {
  if (error instanceof NotThere) return new Error(gone);
  return error instanceof NoSender ? new Error(noSender) : error;
}
