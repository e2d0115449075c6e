/** Who is connected by POP3, IMAP4 or SMTP right now, and how to end it. Sessions come and go: asked anew by hand. */
import { RefreshCw } from 'lucide-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from '../ui/button.tsx';
import { textOf } from './cmdlets.ts';
import styles from './console.module.css';
import { type Column, ObjectTable } from './object-table.tsx';
import { useObjects, useRunning } from './running.tsx';

const COLUMNS = ['Protocol', 'User', 'ClientAddress', 'Since', 'Encryption', 'Server'] as const;

export function SessionsPage(): ReactNode {
  const { t } = useTranslation('admin');
  const { may, run } = useRunning();
  const output = useObjects('Get-Session');
  return (
    <>
      <div className={styles.bar}>
        <Button onPress={() => void output.refetch()} isDisabled={output.isFetching}>
          <RefreshCw size={16} aria-hidden />
          {t('refresh')}
        </Button>
      </div>
      <ObjectTable
        label={t('sessions.title')}
        output={output}
        empty={t('sessions.empty')}
        keyOf={(session) => textOf(session, 'Identity')}
        columns={[
          ...COLUMNS.map((name) => ({ name, label: t(`sessions.${name}`) })),
          ...(may('Stop-Session')
            ? [
                {
                  name: 'actions',
                  label: t('actions'),
                  renderCell: (session) => (
                    <Button
                      aria-label={t('sessions.endOf', { user: textOf(session, 'User') })}
                      onPress={() =>
                        void run({ name: 'Stop-Session', parameters: { Identity: textOf(session, 'Identity') } })
                      }
                    >
                      {t('sessions.end')}
                    </Button>
                  ),
                } satisfies Column,
              ]
            : []),
        ]}
      />
    </>
  );
}
