/** Menus: behind a button or at the pointer; by keyboard with arrows and first letters. */
import { Check } from 'lucide-react';
import type { ReactNode } from 'react';
import {
  Header,
  Menu as AriaMenu,
  MenuItem as AriaMenuItem,
  type MenuItemProps as AriaMenuItemProps,
  MenuSection as AriaMenuSection,
  type MenuSectionProps as AriaMenuSectionProps,
  MenuTrigger,
  Separator,
} from 'react-aria-components/Menu';
import { Popover, type PopoverProps } from 'react-aria-components/Popover';
import styles from './menu.module.css';

export interface MenuProps {
  /** Of the menu, for screen readers. */
  readonly label: string;
  /** The button that opens it. */
  readonly trigger: ReactNode;
  readonly placement?: PopoverProps['placement'];
  /** For menus that open also in another way than by their button. */
  readonly isOpen?: boolean;
  readonly onOpenChange?: (isOpen: boolean) => void;
  readonly children: ReactNode;
}

export function Menu({ label, trigger, placement = 'bottom start', children, ...open }: MenuProps): ReactNode {
  return (
    <MenuTrigger {...open}>
      {trigger}
      <Popover className={styles.popover} placement={placement}>
        <AriaMenu aria-label={label} className={styles.menu}>
          {children}
        </AriaMenu>
      </Popover>
    </MenuTrigger>
  );
}

export interface MenuItemProps extends Omit<AriaMenuItemProps, 'className' | 'style' | 'children' | 'textValue'> {
  readonly label: string;
  readonly icon?: ReactNode;
  readonly shortcut?: string;
  readonly isDangerous?: boolean;
}

export function MenuItem({ label, icon, shortcut, isDangerous = false, ...rest }: MenuItemProps): ReactNode {
  return (
    <AriaMenuItem {...rest} textValue={label} className={isDangerous ? `${styles.item} ${styles.danger}` : styles.item}>
      {({ selectionMode, isSelected }) => (
        <>
          {selectionMode !== 'none' && (
            <span className={styles.mark}>{isSelected && <Check size={16} aria-hidden />}</span>
          )}
          {icon}
          <span>{label}</span>
          {shortcut !== undefined && <kbd>{shortcut}</kbd>}
        </>
      )}
    </AriaMenuItem>
  );
}

export function MenuSection<Item extends object>({
  label,
  children,
  ...rest
}: Omit<AriaMenuSectionProps<Item>, 'className' | 'style' | 'children'> & {
  readonly label: string;
  readonly children: ReactNode;
}): ReactNode {
  return (
    <AriaMenuSection {...rest}>
      <Header className={styles.heading}>{label}</Header>
      {children}
    </AriaMenuSection>
  );
}

export function MenuSeparator(): ReactNode {
  return <Separator className={styles.separator} />;
}
