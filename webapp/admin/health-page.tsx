/** How the probes of this server last went; run again at a button. */
import { Play, RefreshCw } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from '../ui/button.tsx';
import { Badge, type Tone } from '../ui/state.tsx';
import { type CmdletObject, textOf } from './cmdlets.ts';
import styles from './console.module.css';
import { ObjectTable } from './object-table.tsx';
import { useObjects, useRunning } from './running.tsx';

const TONES: Readonly<Record<string, Tone>> = { Healthy: 'success', Unhealthy: 'error', Degraded: 'warning' };

export function HealthPage(): ReactNode {
  const { t } = useTranslation('admin');
  const { run } = useRunning();
  const [isRunning, setRunning] = useState(false);
  const output = useObjects('Get-ServerHealth');
  const probe = (): void => {
    setRunning(true);
    void run({ name: 'Get-ServerHealth', parameters: { Refresh: true } }).finally(() => setRunning(false));
  };
  return (
    <>
      <div className={styles.bar}>
        <Button onPress={() => void output.refetch()} isDisabled={output.isFetching}>
          <RefreshCw size={16} aria-hidden />
          {t('refresh')}
        </Button>
        <Button onPress={probe} isDisabled={isRunning}>
          <Play size={16} aria-hidden />
          {t(isRunning ? 'health.probing' : 'health.probe')}
        </Button>
      </div>
      <ObjectTable
        label={t('health.title')}
        output={output}
        empty={t('health.empty')}
        keyOf={(entry) => `${textOf(entry, 'Server')} ${textOf(entry, 'Name')}`}
        columns={[
          { name: 'AlertValue', label: t('health.state'), renderCell: (entry) => <Alert entry={entry} /> },
          { name: 'HealthSetName', label: t('health.set') },
          { name: 'Description', label: t('health.what') },
          { name: 'Error', label: t('health.error') },
          { name: 'Latency(MS)', label: t('health.latency') },
          { name: 'LastRun', label: t('health.last') },
        ]}
      />
    </>
  );
}

function Alert({ entry }: { readonly entry: CmdletObject }): ReactNode {
  const { t } = useTranslation('admin');
  const value = textOf(entry, 'AlertValue');
  return <Badge tone={TONES[value] ?? 'info'}>{t([`health.values.${value}`, 'health.values.Unknown'])}</Badge>;
}
