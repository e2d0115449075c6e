/** Plain text: a text area, with the quote in it as it will be sent. */
import { type ReactNode, type Ref, useImperativeHandle, useLayoutEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { plainSignature } from '../compose-settings.ts';
import type { EditorHandle } from './editor-handle.ts';
import styles from './editor.module.css';

export function PlainEditor(props: {
  readonly text: string;
  readonly isFocused: boolean;
  readonly onChange: () => void;
  readonly handle: Ref<EditorHandle>;
}): ReactNode {
  const { text, isFocused, onChange, handle } = props;
  const { t } = useTranslation('compose');
  const area = useRef<HTMLTextAreaElement>(null);
  useImperativeHandle(
    handle,
    () => ({
      body: () => ({ format: 'text', text: area.current?.value ?? text }),
      ownText: () => (area.current?.value ?? text).split(/^-- $/m)[0] ?? '',
      setSignature: (signature) => {
        const field = area.current;
        if (field === null) return;
        field.value = withSignature(field.value, plainSignature(signature));
        onChange();
      },
      insertPicture: () => false,
    }),
    [text, onChange],
  );
  useLayoutEffect(() => {
    const field = area.current;
    if (field === null) return;
    grow(field);
    if (!isFocused) return;
    field.focus();
    field.setSelectionRange(0, 0);
  }, [isFocused]);
  return (
    <textarea
      ref={area}
      className={styles.plain}
      aria-label={t('editor.label')}
      placeholder={t('editor.placeholder')}
      defaultValue={text}
      onChange={(event) => {
        grow(event.target);
        onChange();
      }}
    />
  );
}

function grow(field: HTMLTextAreaElement): void {
  field.style.height = 'auto';
  field.style.height = `${field.scrollHeight}px`;
}

/** Stands behind the mark up to the next empty line, or in front of the quote, or at the end. */
function withSignature(text: string, signature: string): string {
  const lines = text.split('\n');
  const mark = lines.indexOf('-- ');
  if (mark >= 0) {
    const after = lines.findIndex((line, at) => at > mark && line.trim() === '');
    const rest = after < 0 ? [] : lines.slice(after);
    return [...lines.slice(0, mark), ...signature.trimEnd().split('\n'), ...rest].join('\n');
  }
  if (signature === '') return text;
  const quote = lines.findIndex((line) => line.startsWith('>'));
  const at = quote < 0 ? lines.length : Math.max(0, quote - 1);
  return [...lines.slice(0, at), '', signature.trimEnd(), '', ...lines.slice(at)].join('\n');
}
