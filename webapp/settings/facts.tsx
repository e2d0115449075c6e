/** Names and values in two columns, one on a narrow screen. */
import { Fragment, type ReactNode } from 'react';
import styles from './facts.module.css';

export function Facts({ facts }: { readonly facts: ReadonlyArray<readonly [string, ReactNode]> }): ReactNode {
  return (
    <dl className={styles.facts}>
      {facts.map(([name, value]) => (
        <Fragment key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </Fragment>
      ))}
    </dl>
  );
}
