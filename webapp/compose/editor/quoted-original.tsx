/**
 * The original below an answer: folded until one wants to see it, then to be edited like any text. Stands in a frame of
 * its own (`/frame/text`: no script, nothing loaded from elsewhere), so that it keeps its looks.
 */
import { Ellipsis, X } from 'lucide-react';
import { type ReactNode, type Ref, useEffect, useImperativeHandle, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { IconButton } from '../../ui/button.tsx';
import { cleanMail, cleanNodes } from '../clean-html.ts';
import { HELD_STYLE, heldPictures, releasedPictures } from '../text/held-pictures.ts';
import type { Quote } from '../message.ts';
import { splitQuote } from './split-quote.ts';
import styles from './editor.module.css';

export interface QuoteHandle {
  html(): string;
}

export interface QuotedOriginalProps {
  readonly quote: Quote;
  readonly handle: Ref<QuoteHandle>;
  readonly onChange: () => void;
  readonly onKeyDown: (event: KeyboardEvent) => void;
  readonly onRemove: () => void;
}

/** The tokens of the app, written out: the frame is another document. */
const FRAME_STYLE = `
body { margin: 0; padding: 8px 12px; font: 15px/1.45 system-ui, 'Segoe UI', Roboto, sans-serif; overflow-wrap: anywhere; outline: none }
img { max-width: 100%; height: auto }
${HELD_STYLE}
`;
const OWN_COLOURS = 'html { color-scheme: light; background: #fff; color: #17202a }';

export function QuotedOriginal(props: QuotedOriginalProps): ReactNode {
  const { quote, handle, onChange, onKeyDown, onRemove } = props;
  const { t } = useTranslation('compose');
  // What is passed on is what the message is about: it is seen at once.
  const [isOpen, setOpen] = useState(quote.kind === 'forward');
  const [wasOpened, setOpened] = useState(isOpen);
  const frame = useRef<HTMLIFrameElement>(null);
  const latest = useRef({ onChange, onKeyDown });
  useEffect(() => {
    latest.current = { onChange, onKeyDown };
  });
  useImperativeHandle(
    handle,
    () => ({
      html: () => {
        const body = frame.current?.contentDocument?.body;
        return body?.isContentEditable === true ? releasedPictures(cleanMail(body.innerHTML)) : quote.html;
      },
    }),
    [quote],
  );
  const fill = (): void => {
    const element = frame.current;
    const document = element?.contentDocument ?? null;
    if (element === null || document === null || document.body.isContentEditable) return;
    fillFrame(document, quote.html, t('quote.label'));
    document.addEventListener('input', () => latest.current.onChange());
    document.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && !event.shiftKey && !event.ctrlKey && !event.metaKey && splitQuote(document)) {
        event.preventDefault();
        latest.current.onChange();
      } else latest.current.onKeyDown(event);
    });
    document.addEventListener('paste', (event) => pasteText(event, document));
    const grow = (): void => {
      element.style.height = `${document.documentElement.scrollHeight}px`;
    };
    new ResizeObserver(grow).observe(document.body);
    grow();
  };
  return (
    <div className={styles.quote}>
      <div className={styles.fold}>
        <IconButton
          label={t(isOpen ? 'quote.hide' : 'quote.show')}
          icon={<Ellipsis size={18} />}
          aria-expanded={isOpen}
          onPress={() => {
            setOpen(!isOpen);
            setOpened(true);
          }}
        />
        {isOpen && <IconButton label={t('quote.remove')} icon={<X size={16} />} onPress={onRemove} />}
      </div>
      {wasOpened && (
        <iframe
          ref={frame}
          hidden={!isOpen}
          className={styles.frame}
          src="/frame/text"
          sandbox="allow-same-origin"
          title={t('quote.label')}
          onLoad={fill}
        />
      )}
    </div>
  );
}

function fillFrame(document: Document, html: string, label: string): void {
  const style = document.createElement('style');
  const hasColours = /color|background/i.test(html);
  const scheme = getComputedStyle(window.document.documentElement).colorScheme;
  style.textContent = `${FRAME_STYLE}${hasColours ? OWN_COLOURS : `html { color-scheme: ${scheme} }`}`;
  document.head.append(style);
  document.body.append(cleanNodes(heldPictures(html), document));
  document.body.contentEditable = 'true';
  document.body.setAttribute('aria-label', label);
  document.body.setAttribute('role', 'textbox');
}

/** HTML of elsewhere belongs into the editor above; here it comes as text. */
function pasteText(event: ClipboardEvent, document: Document): void {
  event.preventDefault();
  const text = event.clipboardData?.getData('text/plain') ?? '';
  const selection = document.getSelection();
  if (text === '' || selection === null || selection.rangeCount === 0) return;
  const range = selection.getRangeAt(0);
  range.deleteContents();
  const lines = text.split(/\r?\n/).flatMap((line, at) => (at === 0 ? [line] : [document.createElement('br'), line]));
  const nodes = document.createDocumentFragment();
  nodes.append(...lines);
  range.insertNode(nodes);
  range.collapse(false);
}
