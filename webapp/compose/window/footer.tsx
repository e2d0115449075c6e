/** What can be done with the message: send now or later, attach, signature, format, throw away. */
import { ChevronUp, Clock, EllipsisVertical, Paperclip, PenLine, Save, Send, Trash2, Type } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button, IconButton } from '../../ui/button.tsx';
import { Menu, MenuItem, MenuSection } from '../../ui/menu.tsx';
import type { Signature } from '../methods.ts';
import { ScheduleDialog } from './schedule-dialog.tsx';
import styles from './footer.module.css';

export interface FooterProps {
  /** Where the editor puts its tools. */
  readonly toolsPlace: (element: HTMLElement | null) => void;
  readonly isRich: boolean;
  readonly isSending: boolean;
  /** Seconds; 0: nothing can be put off. */
  readonly maxDelayedSend: number;
  readonly signatures: readonly Signature[];
  readonly onSignature: (signature: Signature | null) => void;
  readonly onSend: (sendAt: number | null) => void;
  readonly onAttach: () => void;
  readonly onFormat: () => void;
  readonly onSave: () => void;
  readonly onDiscard: () => void;
}

export function Footer(props: FooterProps): ReactNode {
  const { toolsPlace, isRich, isSending, maxDelayedSend, signatures } = props;
  const { t } = useTranslation('compose');
  const [isScheduling, setScheduling] = useState(false);
  return (
    <footer className={styles.footer}>
      <div ref={toolsPlace} className={styles.tools} />
      <div className={styles.actions}>
        <span className={styles.send}>
          <Button
            kind="primary"
            isDisabled={isSending}
            aria-keyshortcuts="Control+Enter"
            onPress={() => props.onSend(null)}
          >
            <Send size={16} aria-hidden />
            {t(isSending ? 'send.busy' : 'send.now')}
          </Button>
          {maxDelayedSend > 0 && (
            <Menu
              label={t('send.more')}
              placement="top start"
              trigger={
                <IconButton
                  kind="primary"
                  label={t('send.more')}
                  icon={<ChevronUp size={16} />}
                  isDisabled={isSending}
                />
              }
            >
              <MenuItem
                label={t('send.later')}
                icon={<Clock size={16} aria-hidden />}
                onAction={() => setScheduling(true)}
              />
            </Menu>
          )}
        </span>
        <IconButton label={t('attachments.add')} icon={<Paperclip size={18} />} onPress={props.onAttach} />
        <Menu
          label={t('more.label')}
          placement="top start"
          trigger={<IconButton label={t('more.label')} icon={<EllipsisVertical size={18} />} />}
        >
          <MenuItem
            label={t(isRich ? 'more.plain' : 'more.rich')}
            icon={<Type size={16} aria-hidden />}
            onAction={props.onFormat}
          />
          <MenuItem
            label={t('more.save')}
            icon={<Save size={16} aria-hidden />}
            shortcut="Ctrl+S"
            onAction={props.onSave}
          />
          {signatures.length > 0 && (
            <MenuSection label={t('more.signature')}>
              {signatures.map((one) => (
                <MenuItem
                  key={one.id}
                  label={one.name}
                  icon={<PenLine size={16} aria-hidden />}
                  onAction={() => props.onSignature(one)}
                />
              ))}
              <MenuItem label={t('more.noSignature')} onAction={() => props.onSignature(null)} />
            </MenuSection>
          )}
        </Menu>
        <span className={styles.gap} />
        <IconButton label={t('draft.discard')} icon={<Trash2 size={18} />} onPress={props.onDiscard} />
      </div>
      {isScheduling && (
        <ScheduleDialog
          maxDelayedSend={maxDelayedSend}
          onClose={() => setScheduling(false)}
          onChosen={(at) => {
            setScheduling(false);
            props.onSend(at);
          }}
        />
      )}
    </footer>
  );
}
