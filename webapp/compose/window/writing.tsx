/** What is in a window: fields, text, files, and what can be done with them. */
import {
  type DragEvent,
  type KeyboardEvent,
  lazy,
  type ReactNode,
  Suspense,
  useCallback,
  useEffect,
  useRef,
  useState,
} from 'react';
import { useTranslation } from 'react-i18next';
import { Confirm } from '../../ui/dialog.tsx';
import { Loading, Notice } from '../../ui/state.tsx';
import { PlainEditor } from '../editor/plain-editor.tsx';
import { switchedFormat } from '../format-switch.ts';
import { isDeliverable } from '../fields/address-list.ts';
import { recipientsOfMessage } from '../message.ts';
import type { Prepared } from '../prepare.ts';
import { sendLimits } from '../send-limits.ts';
import { sizeText } from '../size-text.ts';
import { useAttachments } from '../use-attachments.ts';
import { useComposition } from '../use-composition.ts';
import { useJmap } from '../../jmap/mailbox.tsx';
import { type Warning, warningsOf } from '../warnings.ts';
import { windowKey } from '../window-keys.ts';
import { AttachmentList } from './attachment-list.tsx';
import type { Heading } from './composer-window.tsx';
import { Footer } from './footer.tsx';
import { HeaderFields, useExtraFields } from './header-fields.tsx';
import { SendQuestions } from './send-questions.tsx';
import { failureText, statusText } from './status-text.ts';
import styles from './writing.module.css';

const RichEditor = lazy(() => import('../editor/rich-editor.tsx'));

export interface WritingProps {
  readonly openedKey: number;
  readonly prepared: Prepared;
  /** Goes up when the window is asked to close. */
  readonly closing: number;
  readonly onHeading: (heading: Heading) => void;
  readonly onAway: (isAway: boolean) => void;
  readonly onClose: () => void;
  /** As the window's own button and Escape do. */
  readonly onAskToClose: () => void;
}

export function Writing(props: WritingProps): ReactNode {
  const { openedKey, prepared, closing, onHeading, onAway, onClose, onAskToClose } = props;
  const { t, i18n } = useTranslation('compose');
  const { session } = useJmap();
  const [body, setBody] = useState(prepared.body);
  const [tools, setTools] = useState<HTMLElement | null>(null);
  const [questions, setQuestions] = useState<{
    readonly warnings: readonly Warning[];
    readonly sendAt: number | null;
  } | null>(null);
  const [isLosing, setLosing] = useState(false);
  const [isDropping, setDropping] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const [composition, state] = useComposition(prepared, { key: openedKey, onAway, onClose });
  const { message, saveState, failure, isSending } = state;
  const { change, bodyChanged, setEditor } = composition;
  const attachments = useAttachments(message.sender.accountId, change);
  const extra = useExtraFields();
  const isTextFirst = prepared.focus === 'body' || body !== prepared.body;
  const pictureInput = useRef<HTMLInputElement>(null);
  const fileInput = useRef<HTMLInputElement>(null);

  const limits = sendLimits(session, message.sender.accountId);
  const total = message.attachments.reduce((sum, { size }) => sum + size, 0);
  const isTooLarge = total > limits.maxAttachments;
  const isUploading = message.attachments.some(({ state }) => state.kind === 'uploading');
  const failureWords = failure === null ? undefined : failureText(failure, t);
  const attachmentError = isTooLarge
    ? t('attachments.allTooLarge', {
        size: sizeText(total, i18n.language),
        limit: sizeText(limits.maxAttachments, i18n.language),
      })
    : failure?.field === 'attachments'
      ? failureWords
      : undefined;

  const status = statusText(saveState, isSending, t, i18n.language);
  useEffect(() => {
    onHeading({ title: message.subject.trim(), status, isWrong: saveState.kind === 'failed' });
  }, [onHeading, message.subject, status, saveState.kind]);
  const addPictures = useCallback(
    (list: readonly File[], shownAt: (file: File) => string | null) => {
      const pictures = list.map((file) => ({ file, shownAt: shownAt(file) ?? URL.createObjectURL(file) }));
      const left = pictures.filter(({ file, shownAt: src }) => {
        if (shownAt(file) !== null) return false;
        return composition.editor?.insertPicture({ src, alt: file.name }) !== true;
      });
      attachments.addPictures(pictures.filter((one) => !left.includes(one)));
      // A plain text shows none: they go along as files.
      if (left.length > 0) attachments.add(left.map(({ file }) => file));
    },
    [attachments, composition],
  );

  const trySend = (sendAt: number | null): void => {
    setProblem(null);
    if (isSending) return;
    const recipients = recipientsOfMessage(message);
    if (recipients.length === 0) setProblem(t('problem.noRecipients'));
    else if (recipients.some(({ email }) => !isDeliverable(email))) setProblem(t('problem.wrongRecipients'));
    else if (isUploading) setProblem(t('problem.uploading'));
    else if (message.attachments.some(({ state }) => state.kind === 'failed')) setProblem(t('problem.failedUpload'));
    else if (isTooLarge) setProblem(attachmentError ?? null);
    else {
      const warnings = warningsOf(message, composition.editor?.ownText() ?? '');
      if (warnings.length > 0) setQuestions({ warnings, sendAt });
      else void composition.send(sendAt);
    }
  };
  const onKeyDown = (event: KeyboardEvent | globalThis.KeyboardEvent): void => {
    switch (windowKey(event)) {
      case 'send':
        trySend(null);
        break;
      case 'cc':
        extra.show('cc');
        break;
      case 'bcc':
        extra.show('bcc');
        break;
      case 'save':
        composition.save();
        break;
      case null:
        return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
  const onDrop = (event: DragEvent): void => {
    setDropping(false);
    const dropped = [...event.dataTransfer.files];
    if (event.defaultPrevented || dropped.length === 0) return;
    event.preventDefault();
    attachments.add(dropped);
  };
  useEffect(() => {
    if (closing === 0) return;
    void composition.close().then((isClosed) => {
      if (!isClosed) setLosing(true);
    });
  }, [closing, composition]);
  return (
    // The keys are those of the fields within.
    // oxlint-disable-next-line jsx-a11y/no-static-element-interactions
    <div
      className={isDropping ? `${styles.writing} ${styles.dropping}` : styles.writing}
      data-drop={t('attachments.drop')}
      onKeyDown={onKeyDown}
      onDragOver={(event) => {
        if (!event.dataTransfer.types.includes('Files')) return;
        event.preventDefault();
        setDropping(true);
      }}
      onDragLeave={(event) => {
        if (!(event.relatedTarget instanceof Node) || !event.currentTarget.contains(event.relatedTarget))
          setDropping(false);
      }}
      onDrop={onDrop}
    >
      <p className="visually-hidden" role="status">
        {/* "Saving" with every word would drown everything else. */}
        {saveState.kind === 'saved' || saveState.kind === 'failed' ? status : ''}
      </p>
      {state.wasElsewhere && <Notice tone="warning">{t('draft.elsewhere')}</Notice>}
      {saveState.kind === 'failed' && !saveState.isRetried && (
        <Notice tone="error">
          {t('draft.failed', {
            reason: saveState.error instanceof Error ? saveState.error.message : String(saveState.error),
          })}
        </Notice>
      )}
      {(problem ?? (failure?.field === 'message' ? failureWords : undefined)) !== undefined && (
        <Notice tone="error">{problem ?? failureWords}</Notice>
      )}
      <HeaderFields
        message={message}
        senders={prepared.senders}
        change={(patch) => {
          setProblem(null);
          change(patch);
        }}
        failure={failure}
        failureText={failureWords}
        shown={extra.shown}
        onShow={extra.show}
        isToFocused={prepared.focus === 'to'}
        focused={extra.focused}
      />
      <div className={styles.text}>
        {body.format === 'text' ? (
          <PlainEditor text={body.text} isFocused={isTextFirst} onChange={bodyChanged} handle={setEditor} />
        ) : (
          <Suspense fallback={<Loading />}>
            <RichEditor
              html={body.html}
              isFocused={isTextFirst}
              quote={body.quote}
              onChange={bodyChanged}
              onPictures={addPictures}
              onFiles={(list) => attachments.add(list)}
              onFrameKey={(event) => {
                if (event.key === 'Escape') onAskToClose();
                else onKeyDown(event);
              }}
              tools={tools}
              onInsertPicture={() => pictureInput.current?.click()}
              handle={setEditor}
            />
          </Suspense>
        )}
        <AttachmentList list={message.attachments} attachments={attachments} error={attachmentError} />
      </div>
      <Footer
        toolsPlace={setTools}
        isRich={body.format === 'html'}
        isSending={isSending}
        maxDelayedSend={limits.maxDelayedSend}
        signatures={prepared.settings.signatures}
        onSignature={(signature) => {
          composition.editor?.setSignature(signature);
          bodyChanged();
        }}
        onSend={trySend}
        onAttach={() => fileInput.current?.click()}
        onFormat={() => {
          if (composition.editor === null) return;
          setBody(switchedFormat(composition.editor.body()));
          bodyChanged();
        }}
        onSave={composition.save}
        onDiscard={() => void composition.discard()}
      />
      <input
        ref={fileInput}
        type="file"
        multiple
        hidden
        onChange={(event) => {
          attachments.add([...(event.target.files ?? [])]);
          event.target.value = '';
        }}
      />
      <input
        ref={pictureInput}
        type="file"
        accept="image/png,image/jpeg,image/gif,image/webp"
        multiple
        hidden
        onChange={(event) => {
          addPictures([...(event.target.files ?? [])], () => null);
          event.target.value = '';
        }}
      />
      {questions !== null && (
        <SendQuestions
          warnings={questions.warnings}
          onClose={() => setQuestions(null)}
          onSend={() => {
            setQuestions(null);
            void composition.send(questions.sendAt);
          }}
        />
      )}
      <Confirm
        title={t('close.title')}
        text={t('close.text')}
        action={t('close.lose')}
        isDangerous
        isOpen={isLosing}
        onConfirm={onClose}
        onClose={() => setLosing(false)}
      />
    </div>
  );
}
