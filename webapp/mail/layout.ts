/** How many panes there is room for. */
import { useSyncExternalStore } from 'react';

export type Layout = 'three' | 'two' | 'one';

const three = window.matchMedia('(min-width: 1024px)');
const two = window.matchMedia('(min-width: 768px)');

function subscribe(listener: () => void): () => void {
  three.addEventListener('change', listener);
  two.addEventListener('change', listener);
  return () => {
    three.removeEventListener('change', listener);
    two.removeEventListener('change', listener);
  };
}

export const useLayout = (): Layout =>
  useSyncExternalStore(subscribe, () => (three.matches ? 'three' : two.matches ? 'two' : 'one'));
