/** Widths of the panes, as the person has drawn them; kept in this browser. */
import { useCallback, useState } from 'react';
import * as v from 'valibot';

export interface PaneWidths {
  readonly folders: number;
  readonly list: number;
}
export type Pane = keyof PaneWidths;

export const PANE_LIMITS: Readonly<Record<Pane, { readonly least: number; readonly most: number }>> = {
  folders: { least: 160, most: 400 },
  list: { least: 280, most: 760 },
};
const USUAL: PaneWidths = { folders: 224, list: 384 };
const KEY = 'penfold.mail.widths';
const schema = v.object({ folders: v.number(), list: v.number() });

export const within = (pane: Pane, width: number): number =>
  Math.round(Math.min(PANE_LIMITS[pane].most, Math.max(PANE_LIMITS[pane].least, width)));

function stored(): PaneWidths {
  try {
    const widths = v.parse(schema, JSON.parse(localStorage.getItem(KEY) ?? 'null'));
    return { folders: within('folders', widths.folders), list: within('list', widths.list) };
  } catch {
    return USUAL;
  }
}

export function usePaneWidths(): {
  readonly widths: PaneWidths;
  readonly resize: (pane: Pane, width: number) => void;
} {
  const [widths, setWidths] = useState(stored);
  const resize = useCallback((pane: Pane, width: number) => {
    setWidths((before) => {
      const after = { ...before, [pane]: within(pane, width) };
      localStorage.setItem(KEY, JSON.stringify(after));
      return after;
    });
  }, []);
  return { widths, resize };
}
