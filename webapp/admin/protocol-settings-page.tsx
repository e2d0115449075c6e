/** Settings of POP3 and IMAP4 of each server: a form of Set-PopSettings or Set-ImapSettings. */
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Select } from '../ui/select.tsx';
import { Failed, Loading } from '../ui/state.tsx';
import { CmdletLine } from './cmdlet-line.tsx';
import { textOf } from './cmdlets.ts';
import styles from './console.module.css';
import { useObjects } from './running.tsx';
import { SettingsForm } from './settings-form.tsx';

export function PopSettingsPage(): ReactNode {
  return <ProtocolSettings protocol="Pop" />;
}

export function ImapSettingsPage(): ReactNode {
  return <ProtocolSettings protocol="Imap" />;
}

/** What users see comes first: it is what most admins come for. */
const FIRST = ['ExternalConnectionSettings', 'InternalConnectionSettings', 'SSLBindings', 'UnencryptedOrTLSBindings'];

function ProtocolSettings({ protocol }: { readonly protocol: 'Pop' | 'Imap' }): ReactNode {
  const { t } = useTranslation('admin');
  const servers = useObjects('Get-ExchangeServer');
  const [chosen, setChosen] = useState<string | null>(null);
  if (servers.error !== null) return <Failed error={servers.error} onRetry={() => void servers.refetch()} />;
  if (servers.data === undefined) return <Loading />;
  const names = servers.data.objects.map((one) => textOf(one, 'Name'));
  const server = chosen ?? names[0];
  if (server === undefined) return null;
  return (
    <>
      {names.length > 1 && (
        <div className={styles.bar}>
          <Select
            label={t('server')}
            value={server}
            options={names.map((value) => ({ value, label: value }))}
            onChange={setChosen}
          />
        </div>
      )}
      <OfServer key={server} protocol={protocol} server={server} />
    </>
  );
}

function OfServer({ protocol, server }: { readonly protocol: 'Pop' | 'Imap'; readonly server: string }): ReactNode {
  const { data, error, refetch } = useObjects(`Get-${protocol}Settings`, { Server: server });
  if (error !== null) return <Failed error={error} onRetry={() => void refetch()} />;
  const object = data?.objects[0];
  if (data === undefined || object === undefined) return <Loading />;
  return (
    <>
      <SettingsForm cmdlet={`Set-${protocol}Settings`} identity={{ Server: server }} object={object} first={FIRST} />
      <CmdletLine line={data.commandLine} />
    </>
  );
}
