/** Receive connectors: where SMTP comes in, and whether users are shown it (AdvertiseClientSettings). */
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { Switch } from '../ui/field.tsx';
import { type CmdletObject, textOf } from './cmdlets.ts';
import { ObjectTable } from './object-table.tsx';
import { useObjects, useRunning } from './running.tsx';
import { SettingsForm } from './settings-form.tsx';

const FIRST = ['AdvertiseClientSettings', 'Fqdn', 'Enabled', 'Bindings', 'ImplicitTlsBindings'];

export function ConnectorsPage(): ReactNode {
  const { t } = useTranslation('admin');
  const { may } = useRunning();
  const output = useObjects('Get-ReceiveConnector');
  const [open, setOpen] = useState<string | null>(null);
  const opened = output.data?.objects.find((one) => textOf(one, 'Identity') === open);
  return (
    <>
      <ObjectTable
        label={t('connectors.title')}
        output={output}
        empty={t('connectors.empty')}
        keyOf={(connector) => textOf(connector, 'Identity')}
        columns={[
          { name: 'Identity', label: t('connectors.name') },
          { name: 'Fqdn', label: t('connectors.fqdn') },
          { name: 'Bindings', label: t('connectors.bindings') },
          { name: 'Enabled', label: t('connectors.enabled') },
          {
            name: 'AdvertiseClientSettings',
            label: t('connectors.advertise'),
            renderCell: (connector) => <Advertise connector={connector} />,
          },
          {
            name: 'actions',
            label: t('actions'),
            renderCell: (connector) => (
              <Button
                aria-label={t(may('Set-ReceiveConnector') ? 'connectors.editOf' : 'connectors.openOf', {
                  name: textOf(connector, 'Identity'),
                })}
                onPress={() => setOpen(textOf(connector, 'Identity'))}
              >
                {t(may('Set-ReceiveConnector') ? 'connectors.edit' : 'connectors.open')}
              </Button>
            ),
          },
        ]}
      />
      {opened !== undefined && (
        <Dialog title={textOf(opened, 'Identity')} isOpen isWide onClose={() => setOpen(null)}>
          <SettingsForm
            cmdlet="Set-ReceiveConnector"
            identity={{ Identity: textOf(opened, 'Identity') }}
            object={opened}
            first={FIRST}
          />
        </Dialog>
      )}
    </>
  );
}

function Advertise({ connector }: { readonly connector: CmdletObject }): ReactNode {
  const { t } = useTranslation('admin');
  const { may, run } = useRunning();
  const identity = textOf(connector, 'Identity');
  return (
    <Switch
      aria-label={t('connectors.advertiseOf', { name: identity })}
      isSelected={connector['AdvertiseClientSettings'] === true}
      isDisabled={!may('Set-ReceiveConnector')}
      onChange={(on) =>
        void run({ name: 'Set-ReceiveConnector', parameters: { Identity: identity, AdvertiseClientSettings: on } })
      }
    />
  );
}
