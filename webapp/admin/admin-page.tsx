/** The console: topics for whoever may run the cmdlets behind them. The server decides; what is not shown is refused, too. */
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Redirect, Route, Switch } from 'wouter';
import { Failed, Loading } from '../ui/state.tsx';
import { TopicHead, Topics } from '../ui/topics.tsx';
import { AuditPage } from './audit-page.tsx';
import { ConnectorsPage } from './connectors-page.tsx';
import { HealthPage } from './health-page.tsx';
import { MailboxesPage } from './mailboxes-page.tsx';
import { ImapSettingsPage, PopSettingsPage } from './protocol-settings-page.tsx';
import { type CmdletName, RunningProvider, useCatalog } from './running.tsx';
import { ServicesPage } from './services-page.tsx';
import { SessionsPage } from './sessions-page.tsx';

interface AdminTopic {
  readonly name: 'mailboxes' | 'services' | 'pop' | 'imap' | 'connectors' | 'sessions' | 'health' | 'audit';
  readonly reads: CmdletName;
  readonly page: () => ReactNode;
}

const GROUPS: ReadonlyArray<{
  readonly name: 'recipients' | 'servers' | 'watching';
  readonly topics: readonly AdminTopic[];
}> = [
  { name: 'recipients', topics: [{ name: 'mailboxes', reads: 'Get-CASMailbox', page: MailboxesPage }] },
  {
    name: 'servers',
    topics: [
      { name: 'services', reads: 'Get-Service', page: ServicesPage },
      { name: 'pop', reads: 'Get-PopSettings', page: PopSettingsPage },
      { name: 'imap', reads: 'Get-ImapSettings', page: ImapSettingsPage },
      { name: 'connectors', reads: 'Get-ReceiveConnector', page: ConnectorsPage },
    ],
  },
  {
    name: 'watching',
    topics: [
      { name: 'sessions', reads: 'Get-Session', page: SessionsPage },
      { name: 'health', reads: 'Get-ServerHealth', page: HealthPage },
      { name: 'audit', reads: 'Get-AdminAuditLog', page: AuditPage },
    ],
  },
];

export default function AdminPage(): ReactNode {
  const { t } = useTranslation('admin');
  const { data: catalog, error, refetch } = useCatalog();
  if (error !== null) return <Failed error={error} onRetry={() => void refetch()} />;
  if (catalog === undefined) return <Loading />;
  const groups = GROUPS.map(({ name, topics }) => ({
    name,
    topics: topics.filter(({ reads }) => catalog.some((cmdlet) => cmdlet.name === reads)),
  }));
  const all = groups.flatMap(({ topics }) => topics);
  return (
    <RunningProvider catalog={catalog}>
      <Topics
        label={t('nav.label')}
        isWide
        groups={groups.map(({ name, topics }) => ({
          label: t(`nav.${name}`),
          topics: topics.map((topic) => ({ path: `/${topic.name}`, label: t(`nav.${topic.name}`) })),
        }))}
      >
        <Switch>
          {all.map(({ name, page: Page }) => (
            <Route key={name} path={`/${name}`}>
              <TopicHead title={t(`${name}.title`)} />
              <Page />
            </Route>
          ))}
          <Route>
            <Redirect to={`/${all[0]?.name ?? 'mailboxes'}`} replace />
          </Route>
        </Switch>
      </Topics>
    </RunningProvider>
  );
}
