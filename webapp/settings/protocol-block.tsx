/** `POP setting`, `IMAP setting`, `SMTP setting`: outside and inside side by side, the other ways one click away. */
import { ChevronDown, ChevronRight } from 'lucide-react';
import { type ReactNode, useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from '../ui/button.tsx';
import { CopyButton } from '../ui/copy-button.tsx';
import { Badge } from '../ui/state.tsx';
import { type Protocol, type ProtocolSettings, type Setting, type Side, SIDES } from './client-settings.ts';
import styles from './protocol-block.module.css';
import { SettingsSection } from './settings-section.tsx';

export function ProtocolBlock(props: { readonly protocol: Protocol; readonly settings: ProtocolSettings }): ReactNode {
  const { protocol, settings } = props;
  const { t } = useTranslation('settings');
  return (
    <SettingsSection title={t(`client.block.${protocol}`)} aside={<Status settings={settings} protocol={protocol} />}>
      <div className={styles.sides}>
        {SIDES.map((side) => (
          <SideSettingsShown key={side} protocol={protocol} side={side} settings={settings} />
        ))}
      </div>
    </SettingsSection>
  );
}

function Status(props: { readonly protocol: Protocol; readonly settings: ProtocolSettings }): ReactNode {
  const { t } = useTranslation('settings');
  const { refused, state } = props.settings;
  return (
    <span className={styles.status} data-testid={`${props.protocol}-status`}>
      {refused === null ? (
        <Badge tone="success">{t('client.status.on')}</Badge>
      ) : (
        <Badge tone="warning">{t(`client.status.refused.${refused}`)}</Badge>
      )}
      {state !== 'running' && <Badge tone="warning">{t(`client.status.state.${state}`)}</Badge>}
    </span>
  );
}

function SideSettingsShown(props: {
  readonly protocol: Protocol;
  readonly side: Side;
  readonly settings: ProtocolSettings;
}): ReactNode {
  const { protocol, side } = props;
  const { t } = useTranslation('settings');
  const settings = props.settings[side];
  const id = useId();
  const [isOpen, setOpen] = useState(false);
  return (
    <div className={styles.side} role="group" aria-labelledby={id} data-testid={`${protocol}-${side}`}>
      <h3 id={id}>{t(`client.side.${side}`)}</h3>
      {settings === null ? (
        <p className={styles.missing}>{t('client.notAvailable')}</p>
      ) : (
        <>
          <Values setting={settings.preferred} />
          {settings.alternatives.length > 0 && (
            <>
              <Button kind="quiet" aria-expanded={isOpen} onPress={() => setOpen(!isOpen)}>
                {isOpen ? <ChevronDown size={16} aria-hidden /> : <ChevronRight size={16} aria-hidden />}
                {t('client.alternatives', { count: settings.alternatives.length })}
              </Button>
              {isOpen && settings.alternatives.map((one) => <Values key={`${one.host}:${one.port}`} setting={one} />)}
            </>
          )}
        </>
      )}
    </div>
  );
}

function Values({ setting }: { readonly setting: Setting }): ReactNode {
  const { t } = useTranslation('settings');
  const { host, port, encryption } = setting;
  return (
    <dl className={styles.values}>
      <dt>{t('client.server')}</dt>
      <dd>
        <code>{host}</code>
        <CopyButton text={host} label={t('client.copyServer', { host })} />
      </dd>
      <dt>{t('client.port')}</dt>
      <dd>
        <code>{port}</code>
        <CopyButton text={String(port)} label={t('client.copyPort', { port })} />
      </dd>
      <dt>{t('client.encryption.label')}</dt>
      <dd>
        <code>{t(`client.encryption.${encryption}`)}</code>
        <span className={styles.hint}>{t(`client.encryption.hint.${encryption}`)}</span>
      </dd>
    </dl>
  );
}
