/** A new mailbox: of a person with a password that is made and told once, or one that people share. */
import { type ReactNode, useState } from 'react';
import { Form } from 'react-aria-components/Form';
import { useTranslation } from 'react-i18next';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { TextField } from '../ui/field.tsx';
import { Select } from '../ui/select.tsx';
import { Notice } from '../ui/state.tsx';
import { CmdletLine } from './cmdlet-line.tsx';
import type { CmdletOutput, Parameters } from './cmdlets.ts';
import styles from './console.module.css';
import { type Plan, useRunning } from './running.tsx';

const KINDS = ['User', 'Shared', 'Room', 'Equipment'] as const;
type Kind = (typeof KINDS)[number];

export interface NewMailboxDialogProps {
  readonly onMade: (name: string, output: CmdletOutput | null) => void;
  readonly onClose: () => void;
}

export function NewMailboxDialog({ onMade, onClose }: NewMailboxDialogProps): ReactNode {
  const { t } = useTranslation('admin');
  const { plan, run } = useRunning();
  const [name, setName] = useState('');
  const [address, setAddress] = useState('');
  const [kind, setKind] = useState<Kind>('User');
  const [shown, setShown] = useState<Plan | null>(null);
  const [refusal, setRefusal] = useState<string | null>(null);
  const parameters: Parameters = {
    Name: name.trim(),
    PrimarySmtpAddress: address.trim(),
    ...(kind === 'User' ? { GeneratePassword: true } : { [kind]: true }),
  };
  const isReady = name.trim() !== '' && address.trim() !== '';
  const change = (): void => {
    setShown(null);
    setRefusal(null);
  };
  const review = (): void => {
    plan({ name: 'New-Mailbox', parameters }).then(setShown, (reason: unknown) =>
      setRefusal(reason instanceof Error ? reason.message : String(reason)),
    );
  };
  const make = (): void => {
    void run({ name: 'New-Mailbox', parameters }).then((output) => {
      if (output === null) return;
      onClose();
      onMade(name.trim(), output);
    });
  };
  return (
    <Dialog title={t('mailboxes.new')} isOpen onClose={onClose}>
      <Form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault();
          if (!isReady) return;
          if (shown === null) review();
          else make();
        }}
      >
        <TextField
          label={t('mailboxes.name')}
          value={name}
          onChange={(text) => {
            setName(text);
            change();
          }}
        />
        <TextField
          label={t('mailboxes.address')}
          type="email"
          value={address}
          onChange={(text) => {
            setAddress(text);
            change();
          }}
        />
        <Select
          label={t('mailboxes.kind')}
          description={t(`mailboxes.kinds.${kind}Text`)}
          value={kind}
          options={KINDS.map((value) => ({ value, label: t(`mailboxes.kinds.${value}`) }))}
          onChange={(value) => {
            setKind(value);
            change();
          }}
        />
        {refusal !== null && <Notice tone="error">{refusal}</Notice>}
        {shown !== null && (
          <>
            <p>{shown.what}</p>
            <CmdletLine line={shown.commandLine} />
          </>
        )}
        <div className={styles.bar}>
          <Button kind="primary" type="submit" isDisabled={!isReady}>
            {t(shown === null ? 'form.review' : 'mailboxes.make')}
          </Button>
        </div>
      </Form>
    </Dialog>
  );
}
