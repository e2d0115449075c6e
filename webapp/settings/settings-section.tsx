/** A titled part of a settings page, with words or buttons beside its title. */
import { type ReactNode, useId } from 'react';
import styles from './settings-section.module.css';

export function SettingsSection(props: {
  readonly title: string;
  readonly aside?: ReactNode;
  readonly children: ReactNode;
}): ReactNode {
  const id = useId();
  return (
    <section className={styles.section} aria-labelledby={id}>
      <div className={styles.head}>
        <h2 id={id}>{props.title}</h2>
        {props.aside}
      </div>
      {props.children}
    </section>
  );
}
