/**
 * A message as it was written, in a frame of its own: the document comes from the server with a policy that runs no
 * script and, in one of its two forms, loads no picture from the web (ADR 12 §5). Nodes are put into it from here.
 */
import { type ReactNode, useCallback, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { usePaper } from './paper.ts';
import { fillDocument, fit, styleOf } from './message-document.ts';
import styles from './message-frame.module.css';

/** Of an EmailView (src/web/jmap/mail-view). */
export interface ShownMessage {
  readonly html: string;
  readonly css: string;
  readonly hasOwnColours: boolean;
}

interface MessageFrameProps {
  readonly view: ShownMessage;
  /** The person has allowed pictures from the web: `view` was asked for with `remotePictures`. */
  readonly pictures: boolean;
  /** For who cannot see where the frame begins: the subject, or who wrote it. */
  readonly title: string;
  readonly onMailto: (href: string) => void;
  /** Keys pressed while the focus is in the message: the page's shortcuts. */
  readonly onKeyDown?: (event: KeyboardEvent) => void;
}

const SANDBOX = 'allow-same-origin allow-popups allow-popups-to-escape-sandbox';

export function MessageFrame({ view, pictures, title, onMailto, onKeyDown }: MessageFrameProps): ReactNode {
  const { t } = useTranslation('message');
  const frame = useRef<HTMLIFrameElement>(null);
  const [document, setDocument] = useState<Document | null>(null);
  const [height, setHeight] = useState(0);
  const [isFilled, setFilled] = useState(false);
  const paper = usePaper(frame);
  const handlers = useRef({ onMailto, onKeyDown });
  useEffect(() => {
    handlers.current = { onMailto, onKeyDown };
  });

  // The frame's address decides what it may load: another one is another document.
  const onLoad = useCallback(() => setDocument(frame.current?.contentDocument ?? null), []);

  useEffect(() => {
    const window = document?.defaultView ?? null;
    if (document === null || window === null || paper === null) return;
    let isLeft = false;
    void import('./clean-nodes.ts').then(({ cleanNodes }) => {
      if (isLeft) return;
      fillDocument(
        document,
        { nodes: cleanNodes(view.html, window), css: view.css, style: styleOf(paper, view.hasOwnColours) },
        {
          showQuoted: t('showQuoted'),
          pictureBlocked: t('pictureBlocked'),
          leadsTo: (host) => t('leadsTo', { host }),
        },
      );
      setHeight(fit(document));
      setFilled(true);
    });
    return () => {
      isLeft = true;
    };
  }, [document, paper, view, t]);

  useEffect(() => {
    if (document === null) return;
    const refit = (): void => setHeight(fit(document));
    const resized = new ResizeObserver(refit);
    resized.observe(document.body);
    // Its width is the app's matter: the window, the edge of the pane, a scroll bar that comes and goes.
    if (frame.current !== null) resized.observe(frame.current);
    // Pictures; a load does not bubble.
    document.addEventListener('load', refit, true);
    document.addEventListener('toggle', refit, true);
    const clicked = (event: MouseEvent): void => followInside(event, document, handlers.current.onMailto);
    const pressed = (event: KeyboardEvent): void => {
      if (!opensSomething(event, document)) handlers.current.onKeyDown?.(event);
    };
    document.addEventListener('click', clicked);
    document.addEventListener('keydown', pressed);
    return () => {
      resized.disconnect();
      document.removeEventListener('load', refit, true);
      document.removeEventListener('toggle', refit, true);
      document.removeEventListener('click', clicked);
      document.removeEventListener('keydown', pressed);
    };
  }, [document]);

  return (
    <iframe
      key={pictures ? 'pictures' : 'text'}
      ref={frame}
      className={styles.frame}
      src={pictures ? '/frame/pictures' : '/frame/text'}
      sandbox={SANDBOX}
      title={title}
      onLoad={onLoad}
      style={{ height }}
      data-filled={isFilled || undefined}
      data-dark={(paper?.isDark === true && !view.hasOwnColours) || undefined}
    />
  );
}

/** Enter and space on a link or a quoted end are for that, not for the page's shortcuts. */
function opensSomething({ key }: KeyboardEvent, document: Document): boolean {
  return (key === 'Enter' || key === ' ') && document.activeElement?.matches('a[href], summary') === true;
}

/** Links to the web open by themselves; those to a place in the message or to a mail address are ours. */
function followInside(event: MouseEvent, document: Document, onMailto: (href: string) => void): void {
  // Nodes of the frame are of its own realm: `instanceof` of this one knows none of them.
  const path = event.composedPath();
  const link = [...document.links].find((one) => path.includes(one));
  const href = link?.getAttribute('href') ?? '';
  if (href.startsWith('#')) {
    event.preventDefault();
    document.getElementById(href.slice(1))?.scrollIntoView({ block: 'start' });
  } else if (/^mailto:/i.test(href)) {
    event.preventDefault();
    onMailto(href);
  }
}
