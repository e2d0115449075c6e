import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPreviewed, kindOf } from './file-kind.ts';

test('the kind of a file', () => {
  assert.deepEqual(
    [
      'IMAGE/PNG',
      'application/zip',
      'application/pdf',
      'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
      'message/rfc822',
      'audio/mpeg',
      'video/mp4',
      'text/csv',
      'application/octet-stream',
    ].map(kindOf),
    ['picture', 'archive', 'text', 'text', 'message', 'sound', 'film', 'text', 'other'],
  );
});

test('only pictures that hold no script are drawn, and none that is too large', () => {
  assert.ok(isPreviewed({ type: 'image/jpeg', size: 100_000 }));
  assert.ok(!isPreviewed({ type: 'image/svg+xml', size: 100 }));
  assert.ok(!isPreviewed({ type: 'image/png', size: 10_000_001 }));
  assert.ok(!isPreviewed({ type: 'text/html', size: 100 }));
});
