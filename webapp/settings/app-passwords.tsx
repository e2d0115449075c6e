/** Passwords for programs: made here, shown once, each for some protocols, taken away without changing the others. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { Form } from 'react-aria-components/Form';
import { CheckboxGroup, Label } from 'react-aria-components/CheckboxGroup';
import { useTranslation } from 'react-i18next';
import * as v from 'valibot';
import { allSet } from '../jmap/client.ts';
import { useJmap } from '../jmap/mailbox.tsx';
import { Button } from '../ui/button.tsx';
import { CopyButton } from '../ui/copy-button.tsx';
import { Confirm, Dialog } from '../ui/dialog.tsx';
import { Checkbox, TextField } from '../ui/field.tsx';
import { Failed, Loading, Notice } from '../ui/state.tsx';
import { useToast } from '../ui/toasts.tsx';
import { accountLimits, type AppPassword, appPasswordGet, appPasswordSet, madeAppPassword } from './account.ts';
import styles from './forms.module.css';
import { momentText } from './moment.ts';
import { SettingsSection } from './settings-section.tsx';
import { usePersonalAccount } from './use-account.ts';

export function AppPasswords(): ReactNode {
  const { t } = useTranslation('settings');
  const { client, session } = useJmap();
  const accountId = usePersonalAccount();
  const queries = useQueryClient();
  const toast = useToast();
  const [isMaking, setMaking] = useState(false);
  const [leaving, setLeaving] = useState<AppPassword | null>(null);
  const { data, error, refetch } = useQuery({
    queryKey: [accountId, 'AppPassword'],
    queryFn: async () => (await client.call(appPasswordGet, { accountId, ids: null })).list,
  });
  const remove = useMutation({
    mutationFn: async (id: string) => allSet(await client.call(appPasswordSet, { accountId, destroy: [id] })),
    onSuccess: () => toast({ text: t('appPasswords.removed') }),
    onError: (reason: Error) => toast({ text: reason.message, isError: true }),
    onSettled: () => queries.invalidateQueries({ queryKey: [accountId, 'AppPassword'] }),
  });
  const mayMake = data !== undefined && data.length < accountLimits(session).maxAppPasswords;
  return (
    <SettingsSection
      title={t('appPasswords.title')}
      aside={
        <Button isDisabled={!mayMake} onPress={() => setMaking(true)}>
          {t('appPasswords.new')}
        </Button>
      }
    >
      <p className={styles.muted}>{t('appPasswords.text')}</p>
      {error !== null && <Failed error={error} onRetry={() => void refetch()} />}
      {error === null && data === undefined && <Loading />}
      {data !== undefined && data.length > 0 && (
        <ul className={styles.rows}>
          {data.map((one) => (
            <li key={one.id} className={styles.row}>
              <Described appPassword={one} />
              <Button
                kind="danger"
                aria-label={t('appPasswords.removeOf', { name: one.name })}
                onPress={() => setLeaving(one)}
              >
                {t('appPasswords.remove')}
              </Button>
            </li>
          ))}
        </ul>
      )}
      {isMaking && <NewAppPassword onClose={() => setMaking(false)} />}
      {leaving !== null && (
        <Confirm
          title={t('appPasswords.removeTitle', { name: leaving.name })}
          text={t('appPasswords.removeText')}
          action={t('appPasswords.remove')}
          isOpen
          isDangerous
          onConfirm={() => remove.mutate(leaving.id)}
          onClose={() => setLeaving(null)}
        />
      )}
    </SettingsSection>
  );
}

function Described({ appPassword }: { readonly appPassword: AppPassword }): ReactNode {
  const { t, i18n } = useTranslation('settings');
  const { name, protocols, createdAt, lastUsedAt } = appPassword;
  return (
    <div>
      <strong>{name}</strong>
      <p className={styles.muted}>
        {[
          protocols.join(', '),
          t('appPasswords.made', { at: momentText(createdAt, i18n.language) }),
          lastUsedAt === null
            ? t('appPasswords.neverUsed')
            : t('appPasswords.used', { at: momentText(lastUsedAt, i18n.language) }),
        ].join(' · ')}
      </p>
    </div>
  );
}

function NewAppPassword({ onClose }: { readonly onClose: () => void }): ReactNode {
  const { t } = useTranslation('settings');
  const { client, session } = useJmap();
  const accountId = usePersonalAccount();
  const queries = useQueryClient();
  const { appPasswordProtocols } = accountLimits(session);
  const [name, setName] = useState('');
  const [protocols, setProtocols] = useState<readonly string[]>(['IMAP', 'SMTP']);
  const make = useMutation({
    mutationFn: async () => {
      const answer = allSet(
        await client.call(appPasswordSet, { accountId, create: { new: { name: name.trim(), protocols } } }),
      );
      return v.parse(madeAppPassword, answer.created?.['new']).password;
    },
    onSettled: () => queries.invalidateQueries({ queryKey: [accountId, 'AppPassword'] }),
  });
  const isReady = name.trim() !== '' && protocols.length > 0;
  if (make.data !== undefined) {
    return (
      <Dialog
        title={t('appPasswords.madeTitle', { name })}
        isOpen
        onClose={onClose}
        actions={
          <Button kind="primary" onPress={onClose}>
            {t('appPasswords.noted')}
          </Button>
        }
      >
        <div className={styles.secret}>
          <code data-testid="app-password">{make.data}</code>
          <CopyButton text={make.data} label={t('appPasswords.copy')} />
        </div>
        <Notice>{t('appPasswords.once')}</Notice>
      </Dialog>
    );
  }
  return (
    <Dialog title={t('appPasswords.new')} isOpen onClose={onClose}>
      <Form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault();
          if (isReady && !make.isPending) make.mutate();
        }}
      >
        <TextField
          label={t('appPasswords.name')}
          description={t('appPasswords.nameHint')}
          value={name}
          onChange={setName}
        />
        <CheckboxGroup className={styles.checks} value={[...protocols]} onChange={setProtocols}>
          <Label>{t('appPasswords.protocols')}</Label>
          {appPasswordProtocols.map((protocol) => (
            <Checkbox key={protocol} value={protocol}>
              {t(`appPasswords.protocol.${protocol}`)}
            </Checkbox>
          ))}
        </CheckboxGroup>
        {make.error !== null && <Notice tone="error">{make.error.message}</Notice>}
        <div className={styles.actions}>
          <Button kind="primary" type="submit" isDisabled={!isReady || make.isPending}>
            {t('appPasswords.make')}
          </Button>
        </div>
      </Form>
    </Dialog>
  );
}
