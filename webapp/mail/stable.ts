/** Functions that stay the same while what they know does not: for rows that are drawn only when something of theirs changes. */
import { useLayoutEffect, useMemo, useRef } from 'react';

type Functions = object;

export function useStable<Shape extends Functions>(functions: Shape): { readonly current: Shape } {
  const latest = useRef(functions);
  useLayoutEffect(() => {
    latest.current = functions;
  });
  return useMemo(
    () => ({
      get current() {
        return latest.current;
      },
    }),
    [],
  );
}
