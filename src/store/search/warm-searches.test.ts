import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WARM_MESSAGES, WarmSearches } from './warm-searches.ts';

test('the one used longest ago makes room, the one in use stays whatever its size', () => {
  const warm = new WarmSearches<object>();
  const dropped: string[] = [];
  const a = {};
  const b = {};
  const c = {};
  warm.use(a, WARM_MESSAGES / 2, () => dropped.push('a'));
  warm.use(b, WARM_MESSAGES / 2, () => dropped.push('b'));
  assert.equal(dropped.join(), '');
  warm.use(a, WARM_MESSAGES / 2, () => dropped.push('a'));
  warm.use(c, 1, () => dropped.push('c'));
  assert.equal(dropped.join(), ['b'].join());
  warm.use(b, WARM_MESSAGES * 2, () => dropped.push('b'));
  assert.equal(dropped.join(), ['b', 'a', 'c'].join());
  warm.forget(b);
  assert.equal(dropped.join(), ['b', 'a', 'c'].join());
});

test('what nobody uses any more goes with the time', () => {
  let now = 0;
  const warm = new WarmSearches<object>(() => now);
  const dropped: string[] = [];
  const early = {};
  const late = {};
  warm.use(early, 1, () => dropped.push('early'));
  now = 200_000;
  warm.use(late, 1, () => dropped.push('late'));
  now = 310_000;
  warm.age();
  assert.equal(dropped.join(), ['early'].join());
  now = 500_000;
  warm.age();
  assert.equal(dropped.join(), ['early', 'late'].join());
});
