/** The mail page. */
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

export default function MailPage(): ReactNode {
  const { t } = useTranslation('app');
  return <h1>{t('nav.mail')}</h1>;
}
