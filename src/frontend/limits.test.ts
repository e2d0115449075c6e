import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Failure } from '../observe/failure.ts';
import { ConnectionLimits, InboundConnections } from './limits.ts';
import { sourceOf } from './source.ts';

const limit = (text: RegExp) => (error: Failure) => error.code === 'LIMIT' && text.test(error.message);
const settings = { maxConnections: 3, maxConnectionFromSingleIp: 2, maxConnectionsPerUser: 1 };

describe('connections of a protocol', () => {
  test('each limit counts, names itself and gives its place back once', () => {
    const limits = new ConnectionLimits(() => settings);
    const first = limits.connection('192.0.2.1');
    limits.connection('192.0.2.1');
    assert.throws(() => limits.connection('192.0.2.1'), limit(/MaxConnectionFromSingleIP/));
    limits.connection('192.0.2.2');
    assert.throws(() => limits.connection('192.0.2.3'), limit(/3 connections already \(MaxConnections\)/));
    first();
    first();
    assert.equal(limits.connections, 2);
    limits.connection('192.0.2.1');
    assert.throws(() => limits.connection('192.0.2.4'), limit(/MaxConnections\b/));
  });

  test('a user', () => {
    const limits = new ConnectionLimits(() => settings);
    const release = limits.user('ann');
    limits.user('bob');
    assert.throws(() => limits.user('ann'), limit(/MaxConnectionsPerUser/));
    release();
    limits.user('ann');
  });
});

describe('connections of a receive connector', () => {
  const limits = {
    maxInboundConnection: 10,
    maxInboundConnectionPerSource: 3,
    maxInboundConnectionPercentagePerSource: 100,
  };
  test('all', () => {
    const inbound = new InboundConnections();
    for (let i = 0; i < 10; i += 1) inbound.admit(`192.0.2.${i}`, limits);
    assert.throws(() => inbound.admit('192.0.2.99', limits), limit(/MaxInboundConnection\)/));
  });
  test('per source', () => {
    const inbound = new InboundConnections();
    const releases = [0, 1, 2].map(() => inbound.admit('192.0.2.1', limits));
    assert.throws(() => inbound.admit('192.0.2.1', limits), limit(/MaxInboundConnectionPerSource\)/));
    releases[0]?.();
    inbound.admit('192.0.2.1', limits);
  });
  test('share of what is free, at least one', () => {
    const inbound = new InboundConnections();
    const few = { ...limits, maxInboundConnectionPercentagePerSource: 20 };
    inbound.admit('192.0.2.1', few);
    assert.throws(() => inbound.admit('192.0.2.1', few), limit(/MaxInboundConnectionPercentagePerSource/));
    inbound.admit('192.0.2.2', { ...few, maxInboundConnectionPercentagePerSource: 1 });
  });
  test('unlimited', () => {
    const inbound = new InboundConnections();
    const none = {
      maxInboundConnection: Infinity,
      maxInboundConnectionPerSource: Infinity,
      maxInboundConnectionPercentagePerSource: 2,
    };
    for (let i = 0; i < 100; i += 1) inbound.admit('192.0.2.1', none);
  });
});

test('a source is an IPv4 address or the /64 of an IPv6 address', () => {
  assert.equal(sourceOf('192.0.2.1'), '192.0.2.1');
  assert.equal(sourceOf('2001:db8::1'), sourceOf('2001:db8::ffff:1'));
  assert.notEqual(sourceOf('2001:db8::1'), sourceOf('2001:db8:0:1::1'));
});
