/** Buttons: with words, or an icon whose name is a tooltip and what screen readers say. */
import type { ReactNode } from 'react';
import { Button as AriaButton, type ButtonProps as AriaButtonProps } from 'react-aria-components/Button';
import { Tooltip, TooltipTrigger } from 'react-aria-components/Tooltip';
import styles from './button.module.css';

export interface ButtonProps extends Omit<AriaButtonProps, 'className' | 'style'> {
  readonly kind?: 'primary' | 'secondary' | 'quiet' | 'danger';
}

export function Button({ kind = 'secondary', ...rest }: ButtonProps): ReactNode {
  return <AriaButton {...rest} className={`${styles.button} ${styles[kind]}`} />;
}

export interface IconButtonProps extends Omit<ButtonProps, 'children' | 'aria-label'> {
  readonly label: string;
  readonly icon: ReactNode;
  /** The key that does the same, shown with the name. */
  readonly shortcut?: string;
}

export function IconButton({ label, icon, shortcut, kind = 'quiet', ...rest }: IconButtonProps): ReactNode {
  return (
    <TooltipTrigger delay={500}>
      <AriaButton {...rest} aria-label={label} className={`${styles.button} ${styles[kind]} ${styles.icon}`}>
        {icon}
      </AriaButton>
      <Tooltip className={styles.tooltip} offset={6}>
        {label}
        {shortcut !== undefined && <kbd>{shortcut}</kbd>}
      </Tooltip>
    </TooltipTrigger>
  );
}
