/** Reading and writing: how mail is shown, how it is written, undo send, pictures, signatures. */
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useJmap } from '../jmap/mailbox.tsx';
import { Switch } from '../ui/field.tsx';
import { Select } from '../ui/select.tsx';
import { Failed, Loading } from '../ui/state.tsx';
import { accountLimits } from './account.ts';
import styles from './forms.module.css';
import { SettingsSection } from './settings-section.tsx';
import { Signatures } from './signatures.tsx';
import { useAccountSettings, useChangePreferences } from './use-account.ts';

const UNDO_SECONDS = [0, 5, 10, 20, 30, 60];

export function WritingPage(): ReactNode {
  const { t } = useTranslation('settings');
  const { session } = useJmap();
  const { data, error, refetch } = useAccountSettings();
  const { mutate } = useChangePreferences();
  if (error !== null) return <Failed error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return <Loading />;
  const seconds = [...new Set([...UNDO_SECONDS, data.undoSendSeconds])]
    .filter((one) => one <= accountLimits(session).maxUndoSendSeconds)
    .sort((a, b) => a - b);
  return (
    <>
      <SettingsSection title={t('writing.reading')}>
        <div className={styles.form}>
          <Switch isSelected={data.conversations} onChange={(conversations) => mutate({ conversations })}>
            {t('writing.conversations')}
          </Switch>
          <Select
            label={t('writing.readingPane')}
            value={data.readingPane}
            options={(['right', 'bottom', 'off'] as const).map((value) => ({
              value,
              label: t(`writing.readingPanes.${value}`),
            }))}
            onChange={(readingPane) => mutate({ readingPane })}
          />
          <Select
            label={t('writing.pictures')}
            description={t('writing.picturesText')}
            value={data.remotePictures}
            options={(['ask', 'show'] as const).map((value) => ({
              value,
              label: t(`writing.pictureChoices.${value}`),
            }))}
            onChange={(remotePictures) => mutate({ remotePictures })}
          />
        </div>
      </SettingsSection>
      <SettingsSection title={t('writing.writing')}>
        <div className={styles.form}>
          <Select
            label={t('writing.format')}
            value={data.composeFormat}
            options={(['html', 'text'] as const).map((value) => ({ value, label: t(`writing.formats.${value}`) }))}
            onChange={(composeFormat) => mutate({ composeFormat })}
          />
          <Select
            label={t('writing.undo')}
            description={t('writing.undoText')}
            value={String(data.undoSendSeconds)}
            options={seconds.map((count) => ({
              value: String(count),
              label: count === 0 ? t('writing.undoNever') : t('writing.undoSeconds', { count }),
            }))}
            onChange={(value) => mutate({ undoSendSeconds: Number(value) })}
          />
        </div>
      </SettingsSection>
      <Signatures settings={data} />
    </>
  );
}
