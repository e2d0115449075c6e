/** Questions before a message goes out. */
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import type { Warning } from '../warnings.ts';

export function SendQuestions(props: {
  readonly warnings: readonly Warning[];
  readonly onSend: () => void;
  readonly onClose: () => void;
}): ReactNode {
  const { warnings, onSend, onClose } = props;
  const { t } = useTranslation('compose');
  return (
    <Dialog
      role="alertdialog"
      title={t('warning.title')}
      isOpen
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>{t('warning.back')}</Button>
          <Button kind="primary" onPress={onSend}>
            {t('warning.send')}
          </Button>
        </>
      }
    >
      {warnings.map((one) => (
        <p key={one}>{t(`warning.${one}`)}</p>
      ))}
    </Dialog>
  );
}
