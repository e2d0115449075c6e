/** The settings page. */
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

export default function SettingsPage(): ReactNode {
  const { t } = useTranslation('app');
  return <h1>{t('nav.settings')}</h1>;
}
