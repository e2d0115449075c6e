/** One of a few, named. */
import { Check, ChevronDown } from 'lucide-react';
import type { ReactNode } from 'react';
import { Button } from 'react-aria-components/Button';
import { ListBox, ListBoxItem } from 'react-aria-components/ListBox';
import { Popover } from 'react-aria-components/Popover';
import { Label, Select as AriaSelect, SelectValue, Text } from 'react-aria-components/Select';
import fieldStyles from './field.module.css';
import menuStyles from './menu.module.css';

export interface SelectProps<Value extends string> {
  readonly label: string;
  readonly description?: string;
  readonly value: Value | null;
  readonly options: ReadonlyArray<{ readonly value: Value; readonly label: string }>;
  readonly onChange: (value: Value) => void;
  readonly isDisabled?: boolean;
}

export function Select<Value extends string>(props: SelectProps<Value>): ReactNode {
  const { label, description, value, options, onChange, isDisabled = false } = props;
  return (
    <AriaSelect
      className={fieldStyles.field}
      value={value}
      onChange={(key) => {
        const chosen = options.find((one) => one.value === key);
        if (chosen !== undefined) onChange(chosen.value);
      }}
      isDisabled={isDisabled}
    >
      <Label className={fieldStyles.label}>{label}</Label>
      <Button className={`${fieldStyles.input} ${fieldStyles.select}`}>
        <SelectValue />
        <ChevronDown size={16} aria-hidden />
      </Button>
      {description !== undefined && (
        <Text slot="description" className={fieldStyles.description}>
          {description}
        </Text>
      )}
      <Popover className={menuStyles.popover}>
        <ListBox className={menuStyles.menu} items={options.map((one) => ({ ...one, id: one.value }))}>
          {(one) => (
            <ListBoxItem id={one.value} textValue={one.label} className={menuStyles.item}>
              {({ isSelected }) => (
                <>
                  <span className={menuStyles.mark}>{isSelected && <Check size={16} aria-hidden />}</span>
                  {one.label}
                </>
              )}
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </AriaSelect>
  );
}
