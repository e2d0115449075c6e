/** A new password: the present one once more, then the new one twice. Sessions elsewhere end; this one goes on. */
import { useMutation } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { Form } from 'react-aria-components/Form';
import { useTranslation } from 'react-i18next';
import { MethodRefused } from '../jmap/errors.ts';
import { useJmap } from '../jmap/mailbox.tsx';
import { Button } from '../ui/button.tsx';
import { PasswordField } from '../ui/field.tsx';
import { Notice } from '../ui/state.tsx';
import { useToast } from '../ui/toasts.tsx';
import { accountLimits, passwordChange } from './account.ts';
import styles from './forms.module.css';
import { SettingsSection } from './settings-section.tsx';
import { usePersonalAccount } from './use-account.ts';

export function PasswordForm(): ReactNode {
  const { t } = useTranslation('settings');
  const { client, session } = useJmap();
  const accountId = usePersonalAccount();
  const toast = useToast();
  const [currentPassword, setCurrent] = useState('');
  const [newPassword, setNew] = useState('');
  const [again, setAgain] = useState('');
  const { minPasswordLength } = accountLimits(session);
  const change = useMutation({
    mutationFn: () => client.call(passwordChange, { accountId, currentPassword, newPassword }),
    onSuccess: () => {
      for (const clear of [setCurrent, setNew, setAgain]) clear('');
      toast({ text: t('password.changed') });
    },
  });
  const differs = again !== '' && again !== newPassword;
  const isReady = currentPassword !== '' && newPassword !== '' && again === newPassword;
  const { error } = change;
  const isCurrentWrong = error instanceof MethodRefused && error.facts['reason'] === 'currentPassword';
  return (
    <SettingsSection title={t('password.title')}>
      <Form
        className={styles.form}
        // The browser would not send a form again in which a field was refused before.
        validationBehavior="aria"
        onSubmit={(event) => {
          event.preventDefault();
          if (isReady && !change.isPending) change.mutate();
        }}
      >
        {/* Browsers that keep passwords want to know whose it is. */}
        <input type="hidden" name="username" autoComplete="username" value={session.username} readOnly />
        <PasswordField
          label={t('password.current')}
          autoComplete="current-password"
          value={currentPassword}
          onChange={(text) => {
            setCurrent(text);
            change.reset();
          }}
          {...(isCurrentWrong ? { error: t('password.currentWrong') } : {})}
        />
        <PasswordField
          label={t('password.new')}
          description={t('password.least', { count: minPasswordLength })}
          autoComplete="new-password"
          value={newPassword}
          onChange={setNew}
        />
        <PasswordField
          label={t('password.again')}
          autoComplete="new-password"
          value={again}
          onChange={setAgain}
          {...(differs ? { error: t('password.differs') } : {})}
        />
        {error !== null && !isCurrentWrong && <Notice tone="error">{error.message}</Notice>}
        <p className={styles.muted}>{t('password.ends')}</p>
        <div className={styles.actions}>
          <Button kind="primary" type="submit" isDisabled={!isReady || change.isPending}>
            {t('password.change')}
          </Button>
        </div>
      </Form>
    </SettingsSection>
  );
}
