/**
 * A form made from what a Set cmdlet says of its parameters: names, kinds, choices, ranges, help. Only what was changed
 * is sent; before it is, the server says what would happen, with the line that does the same.
 */
import { type ReactNode, useState } from 'react';
import { Form } from 'react-aria-components/Form';
import { useTranslation } from 'react-i18next';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { Switch, TextField } from '../ui/field.tsx';
import { Select } from '../ui/select.tsx';
import { Notice } from '../ui/state.tsx';
import { CmdletLine } from './cmdlet-line.tsx';
import { type CmdletObject, type CmdletParameter, fieldText, type Parameters } from './cmdlets.ts';
import { type CmdletName, type Plan, useRunning } from './running.tsx';
import styles from './settings-form.module.css';

export interface SettingsFormProps {
  readonly cmdlet: CmdletName;
  /** What says whose settings they are. */
  readonly identity: Parameters;
  /** As the Get cmdlet shows it. */
  readonly object: CmdletObject;
  /** Shown before the others. */
  readonly first?: readonly string[];
  readonly without?: readonly string[];
}

const ALWAYS_WITHOUT = ['Server', 'Identity', 'DomainController'];
type Values = Readonly<Record<string, string>>;

function parametersOf(all: readonly CmdletParameter[], { object, first = [], without = [] }: SettingsFormProps) {
  const place = ({ name }: CmdletParameter): number => {
    const at = first.indexOf(name);
    return at < 0 ? first.length : at;
  };
  return all
    .filter(({ name }) => Object.hasOwn(object, name) && ![...ALWAYS_WITHOUT, ...without].includes(name))
    .toSorted((a, b) => place(a) - place(b));
}

/** As the cmdlet takes it: a list even when it is empty, truth as truth. */
function argument({ isList, kind }: CmdletParameter, text: string): Parameters[string] {
  if (isList) {
    return text
      .split(/[\n,]/)
      .map((item) => item.trim())
      .filter((item) => item !== '');
  }
  return kind === 'Boolean' ? text === 'true' : text;
}

export function SettingsForm(props: SettingsFormProps): ReactNode {
  const { cmdlet, identity, object } = props;
  const { t } = useTranslation('admin');
  const { cmdlets, may, plan, run } = useRunning();
  const [changed, setChanged] = useState<Values>({});
  const [shown, setShown] = useState<Plan | null>(null);
  const [refusal, setRefusal] = useState<string | null>(null);
  const parameters = parametersOf(cmdlets.get(cmdlet)?.parameters ?? [], props);
  const isReadOnly = !may(cmdlet);
  const changes = parameters.filter(
    ({ name }) => (changed[name] ?? fieldText(object[name])) !== fieldText(object[name]),
  );
  const call = {
    name: cmdlet,
    parameters: {
      ...identity,
      ...Object.fromEntries(changes.map((one) => [one.name, argument(one, changed[one.name] ?? '')])),
    },
  };
  const review = (): void => {
    setRefusal(null);
    plan(call).then(setShown, (reason: unknown) =>
      setRefusal(reason instanceof Error ? reason.message : String(reason)),
    );
  };
  const apply = (): void => {
    setShown(null);
    void run(call).then((output) => {
      if (output !== null) setChanged({});
    });
  };
  return (
    <Form
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        if (changes.length > 0) review();
      }}
    >
      <div className={styles.fields}>
        {parameters.map((parameter) => (
          <Field
            key={parameter.name}
            parameter={parameter}
            value={changed[parameter.name] ?? fieldText(object[parameter.name])}
            isDisabled={isReadOnly}
            onChange={(value) => setChanged((all) => ({ ...all, [parameter.name]: value }))}
          />
        ))}
      </div>
      {refusal !== null && <Notice tone="error">{refusal}</Notice>}
      {!isReadOnly && (
        <div className={styles.actions}>
          <span role="status">{changes.length > 0 && t('form.changed', { count: changes.length })}</span>
          <Button isDisabled={changes.length === 0} onPress={() => setChanged({})}>
            {t('form.discard')}
          </Button>
          <Button kind="primary" type="submit" isDisabled={changes.length === 0}>
            {t('form.review')}
          </Button>
        </div>
      )}
      {shown !== null && (
        <Dialog
          title={t('form.reviewTitle')}
          isOpen
          isWide
          onClose={() => setShown(null)}
          actions={
            <>
              <Button onPress={() => setShown(null)}>{t('question.no')}</Button>
              <Button kind="primary" onPress={apply}>
                {t('form.apply')}
              </Button>
            </>
          }
        >
          <p>{shown.what}</p>
          <CmdletLine line={shown.commandLine} />
        </Dialog>
      )}
    </Form>
  );
}

function Field(props: {
  readonly parameter: CmdletParameter;
  readonly value: string;
  readonly isDisabled: boolean;
  readonly onChange: (value: string) => void;
}): ReactNode {
  const { parameter, value, isDisabled, onChange } = props;
  const { name, kind, choices, isList, accepts, help } = parameter;
  const { t } = useTranslation('admin');
  if (kind === 'Boolean') {
    return (
      <div>
        <Switch isSelected={value === 'true'} isDisabled={isDisabled} onChange={(on) => onChange(String(on))}>
          <span className={styles.name}>{name}</span>
        </Switch>
        <p className={styles.help}>{help}</p>
      </div>
    );
  }
  if (choices !== null && !isList) {
    return (
      <Select
        label={name}
        description={help}
        value={value}
        options={choices.map((one) => ({ value: one, label: one }))}
        isDisabled={isDisabled}
        onChange={onChange}
      />
    );
  }
  return (
    <TextField
      label={name}
      description={`${help} ${t('form.accepts', { accepts })}`}
      value={value}
      isDisabled={isDisabled}
      onChange={onChange}
      {...(isList ? { rows: Math.max(2, value.split('\n').length) } : {})}
    />
  );
}
