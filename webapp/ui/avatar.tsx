/** The initials of a person in a colour of his own: nothing is fetched from anywhere. */
import type { ReactNode } from 'react';
import styles from './avatar.module.css';

/** The same address has the same colour, on every day and in every browser. */
function hueOf(address: string): number {
  let sum = 0;
  for (const character of address.toLowerCase()) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 36_000;
  return sum % 360;
}

function initials(name: string): string {
  const words = name.split(/[\s.@_-]+/u).filter((word) => /\p{L}|\p{N}/u.test(word));
  return [words[0], words.length > 1 ? words.at(-1) : undefined]
    .map((word) => /\p{L}|\p{N}/u.exec(word ?? '')?.[0] ?? '')
    .join('')
    .toUpperCase();
}

export function Avatar(props: { readonly name: string; readonly address: string; readonly size?: number }): ReactNode {
  const { name, address, size = 36 } = props;
  return (
    <span
      aria-hidden
      className={styles.avatar}
      // No text of the page: who reads by ear has the name, and a button with it says more than initials.
      data-initials={initials(name === '' ? address : name)}
      style={{
        width: size,
        height: size,
        fontSize: size * 0.4,
        background: `oklch(0.52 0.09 ${hueOf(address)})`,
      }}
    />
  );
}
