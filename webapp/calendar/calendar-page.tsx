/** The calendar page. */
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

export default function CalendarPage(): ReactNode {
  const { t } = useTranslation('app');
  return <h1>{t('nav.calendar')}</h1>;
}
