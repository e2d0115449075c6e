import assert from 'node:assert/strict';
import { test } from 'node:test';
import { windowKey } from './window-keys.ts';

const pressed = (key: string, ...held: ReadonlyArray<'ctrl' | 'meta' | 'alt' | 'shift'>) =>
  windowKey({
    key,
    ctrlKey: held.includes('ctrl'),
    metaKey: held.includes('meta'),
    altKey: held.includes('alt'),
    shiftKey: held.includes('shift'),
  });

test('the keys of the window, with Control or Command', () => {
  assert.equal(pressed('Enter', 'ctrl'), 'send');
  assert.equal(pressed('Enter', 'meta'), 'send');
  assert.equal(pressed('C', 'ctrl', 'shift'), 'cc');
  assert.equal(pressed('B', 'ctrl', 'shift'), 'bcc');
  assert.equal(pressed('s', 'ctrl'), 'save');
});

test('those of the editor and of typing stay theirs', () => {
  const others = [
    pressed('Enter'),
    pressed('c', 'ctrl'),
    pressed('b', 'ctrl'),
    pressed('S', 'ctrl', 'shift'),
    pressed('Enter', 'ctrl', 'shift'),
    pressed('c', 'ctrl', 'alt', 'shift'),
  ];
  assert.deepEqual(
    others,
    others.map(() => null),
  );
});
