/** Services of each server: what runs, start, stop. */
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from '../ui/button.tsx';
import { Badge, Failed, Loading } from '../ui/state.tsx';
import { type CmdletObject, textOf } from './cmdlets.ts';
import styles from './console.module.css';
import { ObjectTable } from './object-table.tsx';
import { type CmdletName, useObjects, useRunning } from './running.tsx';

export function ServicesPage(): ReactNode {
  const servers = useObjects('Get-ExchangeServer');
  if (servers.error !== null) return <Failed error={servers.error} onRetry={() => void servers.refetch()} />;
  if (servers.data === undefined) return <Loading />;
  return servers.data.objects.map((server) => (
    <ServicesOfServer key={textOf(server, 'Name')} server={textOf(server, 'Name')} />
  ));
}

function ServicesOfServer({ server }: { readonly server: string }): ReactNode {
  const { t } = useTranslation('admin');
  const output = useObjects('Get-Service', { Server: server });
  return (
    <section className={styles.part} aria-label={server}>
      <h2>{server}</h2>
      <ObjectTable
        label={t('services.title')}
        output={output}
        empty={t('services.empty')}
        keyOf={(service) => textOf(service, 'Name')}
        columns={[
          { name: 'DisplayName', label: t('services.service') },
          { name: 'Status', label: t('services.status'), renderCell: (service) => <Status service={service} /> },
          { name: 'StartType', label: t('services.startType') },
          { name: 'ExchangeName', label: t('services.exchangeName') },
          {
            name: 'actions',
            label: t('actions'),
            renderCell: (service) => <Actions server={server} service={service} />,
          },
        ]}
      />
    </section>
  );
}

function Status({ service }: { readonly service: CmdletObject }): ReactNode {
  const { t } = useTranslation('admin');
  const problem = textOf(service, 'Problem');
  const runs = textOf(service, 'Status') === 'Running';
  return (
    <>
      <Badge tone={problem === '' ? (runs ? 'success' : 'warning') : 'error'}>
        {t(runs ? 'services.running' : 'services.stopped')}
      </Badge>
      {problem !== '' && <div className={styles.problem}>{problem}</div>}
    </>
  );
}

function Actions({ server, service }: { readonly server: string; readonly service: CmdletObject }): ReactNode {
  const { t } = useTranslation('admin');
  const { may, run } = useRunning();
  const name = textOf(service, 'Name');
  const act = (cmdlet: CmdletName): void =>
    void run({ name: cmdlet, parameters: { Name: name, Server: server }, asks: cmdlet !== 'Start-Service' });
  const isRunning = textOf(service, 'Status') === 'Running';
  return (
    <div className={styles.actions}>
      {isRunning && may('Stop-Service') && (
        <Button aria-label={t('services.stopOf', { name })} onPress={() => act('Stop-Service')}>
          {t('services.stop')}
        </Button>
      )}
      {isRunning && may('Restart-Service') && (
        <Button kind="quiet" aria-label={t('services.restartOf', { name })} onPress={() => act('Restart-Service')}>
          {t('services.restart')}
        </Button>
      )}
      {!isRunning && may('Start-Service') && (
        <Button aria-label={t('services.startOf', { name })} onPress={() => act('Start-Service')}>
          {t('services.start')}
        </Button>
      )}
    </div>
  );
}
