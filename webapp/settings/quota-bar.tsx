/** How full the mailbox is. */
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ProgressBar } from 'react-aria-components/ProgressBar';
import { Label } from 'react-aria-components/TextField';
import { useTranslation } from 'react-i18next';
import { useJmap } from '../jmap/mailbox.tsx';
import styles from './quota-bar.module.css';
import { isUnlimited, quotaGet, sizeText } from './quota.ts';
import { usePersonalAccount } from './use-account.ts';

export function QuotaBar(): ReactNode {
  const { t, i18n } = useTranslation('settings');
  const { client } = useJmap();
  const accountId = usePersonalAccount();
  const { data } = useQuery({
    queryKey: [accountId, 'Quota'],
    queryFn: () => client.call(quotaGet, { accountId, ids: null }),
  });
  const quota = data?.list[0];
  if (quota === undefined) return null;
  const { used, hardLimit, warnLimit } = quota;
  const size = (octets: number): string => sizeText(octets, i18n.language);
  if (isUnlimited(hardLimit)) return <p>{t('account.usedWithoutLimit', { used: size(used) })}</p>;
  const isFull = used >= (warnLimit ?? hardLimit);
  return (
    <ProgressBar
      className={styles.quota}
      value={Math.min(used, hardLimit)}
      maxValue={hardLimit}
      valueLabel={t('account.used', { used: size(used), limit: size(hardLimit) })}
    >
      {({ percentage, valueText }) => (
        <>
          <Label>{t('account.quota')}</Label>
          <span>{valueText}</span>
          <div className={styles.track}>
            <div
              className={isFull ? `${styles.fill} ${styles.full}` : styles.fill}
              style={{ inlineSize: `${percentage ?? 0}%` }}
            />
          </div>
        </>
      )}
    </ProgressBar>
  );
}
