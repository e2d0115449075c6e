/**
 * Settings for POP or IMAP access: server names, ports and encryption, outside and inside, whether each protocol is for
 * this person, what to type as user name, how to set up programs, and a test. Follows the admin without a reload.
 */
import { useQuery } from '@tanstack/react-query';
import { Download } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useJmap } from '../jmap/mailbox.tsx';
import { personalAccount } from '../jmap/session.ts';
import { Button } from '../ui/button.tsx';
import { CopyButton } from '../ui/copy-button.tsx';
import { Empty, Failed, Loading, Notice } from '../ui/state.tsx';
import { type ClientSettings, clientSettingsGet, PROTOCOLS, type SettingsMailbox } from './client-settings.ts';
import styles from './client-settings-page.module.css';
import { ProgramSteps } from './program-steps.tsx';
import { ProtocolBlock } from './protocol-block.tsx';
import { SettingsSection } from './settings-section.tsx';
import { TestDialog } from './test-dialog.tsx';

export function ClientSettingsPage(): ReactNode {
  const { t } = useTranslation('settings');
  const { client, session } = useJmap();
  const accountId = personalAccount(session);
  const { data, error, refetch } = useQuery({
    queryKey: [accountId, 'ClientSettings'],
    queryFn: () => client.call(clientSettingsGet, { accountId: accountId ?? '', ids: null }),
    enabled: accountId !== null,
  });
  if (accountId === null) return <Empty title={t('client.none')} />;
  if (error !== null) return <Failed error={error} onRetry={() => void refetch()} />;
  const settings = data?.list[0];
  return settings === undefined ? <Loading /> : <Shown accountId={accountId} settings={settings} />;
}

function Shown({ accountId, settings }: { readonly accountId: string; readonly settings: ClientSettings }): ReactNode {
  const { t } = useTranslation('settings');
  const [isTesting, setTesting] = useState(false);
  const isAnywhere = PROTOCOLS.some((protocol) => settings[protocol].external ?? settings[protocol].internal);
  const mayTest = isAnywhere && settings.mailboxes.length > 0;
  return (
    <>
      <p className={styles.intro}>{t('client.intro')}</p>
      <div className={styles.actions}>
        <Button kind="primary" isDisabled={!mayTest} onPress={() => setTesting(true)}>
          {t('test.button')}
        </Button>
        {settings.appleProfileUrl !== null && (
          <a className={styles.download} href={settings.appleProfileUrl} download>
            <Download size={16} aria-hidden />
            {t('client.appleProfile')}
          </a>
        )}
      </div>
      <UserNames mailboxes={settings.mailboxes} />
      {PROTOCOLS.map((protocol) => (
        <ProtocolBlock key={protocol} protocol={protocol} settings={settings[protocol]} />
      ))}
      <SettingsSection title={t('programs.title')}>
        <Notice>
          <p>{t('programs.keepCopy')}</p>
          <p>{t('programs.idle')}</p>
        </Notice>
        {settings.autoconfigUrl !== null && <p>{t('programs.automatic')}</p>}
        <ProgramSteps settings={settings} />
      </SettingsSection>
      {isTesting && <TestDialog accountId={accountId} settings={settings} onClose={() => setTesting(false)} />}
    </>
  );
}

function UserNames({ mailboxes }: { readonly mailboxes: readonly SettingsMailbox[] }): ReactNode {
  const { t } = useTranslation('settings');
  const [own, ...others] = mailboxes;
  if (own === undefined) return null;
  return (
    <SettingsSection title={t('client.userName.title')}>
      <dl className={styles.names}>
        {[own, ...others].map((mailbox) => (
          <UserName key={mailbox.accountId} mailbox={mailbox} />
        ))}
      </dl>
      <p className={styles.muted}>{t(others.length > 0 ? 'client.userName.textShared' : 'client.userName.text')}</p>
    </SettingsSection>
  );
}

function UserName({ mailbox }: { readonly mailbox: SettingsMailbox }): ReactNode {
  const { t } = useTranslation('settings');
  const { userNames, isOwn, name, address } = mailbox;
  const typed = userNames.imap ?? userNames.pop ?? userNames.smtp;
  const forSending = userNames.imap === null && userNames.pop === null;
  return (
    <div className={styles.name}>
      <dt>
        {isOwn ? t('client.userName.own') : name}
        {!isOwn && <span className={styles.muted}> {address}</span>}
      </dt>
      <dd>
        {typed === null ? (
          <span className={styles.muted}>{t('client.userName.none')}</span>
        ) : (
          <>
            <code data-testid={isOwn ? 'user-name' : undefined}>{typed}</code>
            <CopyButton text={typed} label={t('client.userName.copy', { name: typed })} />
            {forSending && <span className={styles.muted}>{t('client.userName.sendOnly')}</span>}
          </>
        )}
      </dd>
    </div>
  );
}
