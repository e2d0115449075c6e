/** Rich text (Tiptap), its tools, and the quoted original below it. A chunk of its own. */
import type { Editor } from '@tiptap/core';
import { EditorContent, useEditor } from '@tiptap/react';
import { type ReactNode, type Ref, useEffect, useImperativeHandle, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { cleanContent, cleanElement, guardHtml } from '../clean-html.ts';
import { signatureBlock } from '../compose-settings.ts';
import type { Quote } from '../message.ts';
import { mailHtml } from '../text/mail-html.ts';
import { htmlToText } from '../text/html-text.ts';
import { windowKey } from '../window-keys.ts';
import type { EditorHandle } from './editor-handle.ts';
import { extensions } from './extensions.ts';
import { pastedHtml } from './pasted-html.ts';
import { QuotedOriginal, type QuoteHandle } from './quoted-original.tsx';
import { Toolbar } from './toolbar.tsx';
import styles from './editor.module.css';

guardHtml();

export interface RichEditorProps {
  readonly html: string;
  readonly isFocused: boolean;
  readonly quote: Quote | null;
  readonly onChange: () => void;
  /** Pictures that were pasted or dropped into the text. */
  readonly onPictures: (files: readonly File[], shownAt: (file: File) => string | null) => void;
  /** Other files. */
  readonly onFiles: (files: readonly File[]) => void;
  /** Keys of the window, pressed in the quote's frame. */
  readonly onFrameKey: (event: KeyboardEvent) => void;
  /** Where the tools stand. */
  readonly tools: HTMLElement | null;
  readonly onInsertPicture: () => void;
  readonly handle: Ref<EditorHandle>;
}

export default function RichEditor(props: RichEditorProps): ReactNode {
  const { html, isFocused, quote, onChange, onPictures, onFiles, onFrameKey, tools, onInsertPicture, handle } = props;
  const { t } = useTranslation('compose');
  const quoteHandle = useRef<QuoteHandle>(null);
  const [hasQuote, setHasQuote] = useState(quote !== null);
  const latest = useRef({ onChange, onPictures, onFiles });
  useEffect(() => {
    latest.current = { onChange, onPictures, onFiles };
  });
  const editor = useEditor({
    extensions: extensions(t('editor.placeholder')),
    content: html,
    autofocus: isFocused ? 'start' : false,
    // Its style element is refused by the app's CSP; the rules stand in editor.module.css.
    injectCSS: false,
    shouldRerenderOnTransaction: false,
    editorProps: {
      attributes: {
        'aria-label': t('editor.label'),
        'aria-multiline': 'true',
        role: 'textbox',
        class: styles.rich ?? '',
      },
      // Otherwise Ctrl+Enter would break the line that it sends.
      handleKeyDown: (_, event) => windowKey(event) !== null,
      transformPastedHTML: pastedHtml,
      handlePaste: (_, event) => taken(event.clipboardData, latest.current),
      handleDrop: (_, event) => taken(event.dataTransfer, latest.current),
    },
    onUpdate: ({ editor: changed }) => {
      adoptPictures(changed, latest.current.onPictures);
      latest.current.onChange();
    },
  });
  useEffect(() => adoptPictures(editor, latest.current.onPictures), [editor]);
  useImperativeHandle(
    handle,
    () => ({
      body: () => ({
        format: 'html',
        html: editor.getHTML(),
        quote:
          hasQuote && quote !== null ? { kind: quote.kind, html: quoteHandle.current?.html() ?? quote.html } : null,
      }),
      ownText: () => ownText(editor),
      setSignature: (signature) => setSignature(editor, signatureBlock(signature, cleanContent)),
      insertPicture: ({ src, alt }) => editor.chain().setImage({ src, alt }).run(),
    }),
    [editor, quote, hasQuote],
  );
  return (
    <>
      <Toolbar editor={editor} place={tools} onInsertPicture={onInsertPicture} />
      <EditorContent editor={editor} className={styles.content} />
      {quote !== null && hasQuote && (
        <QuotedOriginal
          quote={quote}
          handle={quoteHandle}
          onChange={onChange}
          onKeyDown={onFrameKey}
          onRemove={() => {
            setHasQuote(false);
            onChange();
          }}
        />
      )}
    </>
  );
}

interface FileSinks {
  readonly onPictures: RichEditorProps['onPictures'];
  readonly onFiles: (files: readonly File[]) => void;
}

/** Files instead of text. Word puts a picture of the text beside the text: then the text counts. */
function taken(data: DataTransfer | null, { onPictures, onFiles }: FileSinks): boolean {
  const files = [...(data?.files ?? [])];
  if (files.length === 0 || (data?.types.includes('text/html') === true && data.types.includes('text/plain')))
    return false;
  const pictures = files.filter(isShown);
  if (pictures.length > 0) onPictures(pictures, () => null);
  const others = files.filter((file) => !isShown(file));
  if (others.length > 0) onFiles(others);
  return true;
}

/** What every mail program shows within a text. */
const isShown = ({ type }: File): boolean => /^image\/(?:png|jpe?g|gif|webp)$/.test(type);

/** Pictures that stand in the text as data (of a signature, of a page) become parts of the message. */
function adoptPictures(editor: Editor, onPictures: RichEditorProps['onPictures']): void {
  const found: File[] = [];
  const { tr } = editor.state;
  editor.state.doc.descendants((node, at) => {
    const src: unknown = node.attrs['src'];
    if (node.type.name !== 'image' || typeof src !== 'string' || !src.startsWith('data:')) return;
    const file = fileOf(src, typeof node.attrs['alt'] === 'string' ? node.attrs['alt'] : '');
    if (file === null) {
      tr.delete(tr.mapping.map(at), tr.mapping.map(at + node.nodeSize));
      return;
    }
    const shownAt = URL.createObjectURL(file);
    adopted.set(file, shownAt);
    tr.setNodeAttribute(tr.mapping.map(at), 'src', shownAt);
    found.push(file);
  });
  if (!tr.docChanged) return;
  editor.view.dispatch(tr.setMeta('addToHistory', false));
  if (found.length > 0) onPictures(found, (file) => adopted.get(file) ?? null);
}

/** Where a picture that has been adopted is shown already. */
const adopted = new WeakMap<File, string>();

function fileOf(address: string, name: string): File | null {
  const parts = /^data:(image\/(?:png|jpeg|gif|webp));base64,([A-Za-z0-9+/=\s]+)$/.exec(address);
  if (parts === null) return null;
  const [, type = '', base64 = ''] = parts;
  try {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    return new File([bytes], name === '' ? `picture.${type.slice(6)}` : name, { type });
  } catch {
    return null;
  }
}

function ownText(editor: Editor): string {
  const body = cleanElement(editor.getHTML());
  body.querySelector('.penfold-signature')?.remove();
  return htmlToText(mailHtml(body.innerHTML, new Map()).html);
}

function setSignature(editor: Editor, block: string): void {
  let place: { readonly from: number; readonly to: number } | null = null;
  editor.state.doc.forEach((node, at) => {
    if (node.type.name === 'signature') place ??= { from: at, to: at + node.nodeSize };
  });
  const end = editor.state.doc.content.size;
  const range = place ?? { from: end, to: end };
  if (block === '') editor.commands.deleteRange(range);
  else editor.commands.insertContentAt(range, place === null ? `<p></p>${block}` : block);
}
