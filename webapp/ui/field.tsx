/** Fields of forms: label, input, what it is for, and what is wrong with it, joined for screen readers. */
import { Check, Eye, EyeOff, Minus } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { Checkbox as AriaCheckbox, type CheckboxProps as AriaCheckboxProps } from 'react-aria-components/Checkbox';
import { Switch as AriaSwitch, type SwitchProps as AriaSwitchProps } from 'react-aria-components/Switch';
import {
  FieldError,
  Input,
  Label,
  Text,
  TextArea,
  TextField as AriaTextField,
  type TextFieldProps as AriaTextFieldProps,
} from 'react-aria-components/TextField';
import { useTranslation } from 'react-i18next';
import { IconButton } from './button.tsx';
import styles from './field.module.css';

export interface TextFieldProps extends Omit<AriaTextFieldProps, 'className' | 'style' | 'children'> {
  readonly label: string;
  readonly description?: string;
  /** Shown where the field is invalid. */
  readonly error?: string;
  readonly placeholder?: string;
  /** Several lines. */
  readonly rows?: number;
}

export function TextField({ label, description, error, placeholder, rows, ...rest }: TextFieldProps): ReactNode {
  return (
    <AriaTextField {...rest} isInvalid={error !== undefined || rest.isInvalid === true} className={styles.field}>
      <Label className={styles.label}>{label}</Label>
      {rows === undefined ? (
        <Input className={styles.input} placeholder={placeholder} />
      ) : (
        <TextArea className={`${styles.input} ${styles.area}`} rows={rows} placeholder={placeholder} />
      )}
      {description !== undefined && (
        <Text slot="description" className={styles.description}>
          {description}
        </Text>
      )}
      <FieldError className={styles.error}>{error}</FieldError>
    </AriaTextField>
  );
}

export function PasswordField({ label, description, error, ...rest }: Omit<TextFieldProps, 'rows'>): ReactNode {
  const { t } = useTranslation('app');
  const [shown, setShown] = useState(false);
  return (
    <AriaTextField
      {...rest}
      type={shown ? 'text' : 'password'}
      isInvalid={error !== undefined || rest.isInvalid === true}
      className={styles.field}
    >
      <Label className={styles.label}>{label}</Label>
      <div className={styles.with}>
        <Input className={styles.input} autoCapitalize="none" spellCheck={false} />
        <IconButton
          label={t(shown ? 'hidePassword' : 'showPassword')}
          icon={shown ? <EyeOff size={18} /> : <Eye size={18} />}
          onPress={() => setShown(!shown)}
        />
      </div>
      {description !== undefined && (
        <Text slot="description" className={styles.description}>
          {description}
        </Text>
      )}
      <FieldError className={styles.error}>{error}</FieldError>
    </AriaTextField>
  );
}

export function Checkbox({
  children,
  ...rest
}: Omit<AriaCheckboxProps, 'className' | 'style' | 'children'> & { readonly children?: ReactNode }): ReactNode {
  return (
    <AriaCheckbox {...rest} className={styles.check}>
      {({ isSelected, isIndeterminate }) => (
        <>
          <span className={styles.box} aria-hidden>
            {isIndeterminate ? <Minus size={14} /> : isSelected ? <Check size={14} /> : null}
          </span>
          {children}
        </>
      )}
    </AriaCheckbox>
  );
}

export function Switch({
  children,
  ...rest
}: Omit<AriaSwitchProps, 'className' | 'style' | 'children'> & { readonly children?: ReactNode }): ReactNode {
  return (
    <AriaSwitch {...rest} className={styles.check}>
      <span className={styles.track} aria-hidden />
      {children}
    </AriaSwitch>
  );
}
