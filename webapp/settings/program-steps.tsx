/** Short steps for the programs people use, with the values of this page in them. */
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { ClientSettings, Setting } from './client-settings.ts';
import styles from './program-steps.module.css';

const PROGRAMS = ['thunderbird', 'outlook', 'appleMail', 'iphone', 'android'] as const;
const STEPS = ['1', '2', '3', '4'] as const;

export function ProgramSteps({ settings }: { readonly settings: ClientSettings }): ReactNode {
  const { t } = useTranslation('settings');
  const best = (one: ClientSettings['imap']): Setting | undefined => (one.external ?? one.internal)?.preferred;
  const words = (setting: Setting | undefined): string =>
    setting === undefined
      ? t('client.notAvailable')
      : `${setting.host}:${setting.port} (${t(`client.encryption.${setting.encryption}`)})`;
  const own = settings.mailboxes.find(({ isOwn }) => isOwn);
  const values = {
    address: own?.address ?? '…',
    user: own?.userNames.imap ?? own?.address ?? '…',
    imap: words(best(settings.imap)),
    pop: words(best(settings.pop)),
    smtp: words(best(settings.smtp)),
  };
  return (
    <div className={styles.programs}>
      {PROGRAMS.map((program) => (
        <details key={program} className={styles.program}>
          <summary>{t(`programs.${program}.title`)}</summary>
          <ol>
            {STEPS.map((step) => (
              <li key={step}>{t(`programs.${program}.${step}`, values)}</li>
            ))}
          </ol>
        </details>
      ))}
    </div>
  );
}
