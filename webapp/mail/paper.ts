/** Colours and type of the app around a frame, as values that its document, which knows no tokens, can have. */
import { type RefObject, useEffect, useState } from 'react';
import type { Paper } from './message-document.ts';

/** Null until the frame is there. Changes with the theme, the app's own or the system's. */
export function usePaper(place: RefObject<HTMLElement | null>): Paper | null {
  const [paper, setPaper] = useState<Paper | null>(null);
  useEffect(() => {
    const read = (): void => {
      if (place.current !== null) setPaper(paperAround(place.current));
    };
    read();
    const system = matchMedia('(prefers-color-scheme: dark)');
    system.addEventListener('change', read);
    const theme = new MutationObserver(read);
    theme.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    return () => {
      system.removeEventListener('change', read);
      theme.disconnect();
    };
  }, [place]);
  return paper;
}

function paperAround(place: HTMLElement): Paper {
  const probe = document.createElement('span');
  (place.parentElement ?? document.body).append(probe);
  const resolved = (token: string): string => {
    probe.style.color = `var(${token})`;
    return getComputedStyle(probe).color;
  };
  const theme = document.documentElement.dataset['theme'];
  const paper = {
    isDark: theme === undefined ? matchMedia('(prefers-color-scheme: dark)').matches : theme === 'dark',
    ink: resolved('--text-color'),
    muted: resolved('--text-muted'),
    link: resolved('--accent'),
    rule: resolved('--border-strong'),
    font: getComputedStyle(probe).fontFamily,
  };
  probe.remove();
  return paper;
}
