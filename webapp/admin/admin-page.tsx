/** The admin page. */
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

export default function AdminPage(): ReactNode {
  const { t } = useTranslation('app');
  return <h1>{t('nav.admin')}</h1>;
}
