/** Ports that nobody listens on now. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { PortPlan } from './organization.ts';

/** All held open until the last is known, so that none is given twice. */
export async function findFreePorts(address: string, count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  try {
    const ports: number[] = [];
    for (const server of servers) {
      server.listen({ host: address, port: 0 });
      await once(server, 'listening');
      const bound = server.address();
      if (bound !== null && typeof bound === 'object') ports.push(bound.port);
    }
    return ports;
  } finally {
    for (const server of servers) server.close();
  }
}

export async function freePorts(address: string): Promise<PortPlan> {
  const ports = await findFreePorts(address, 13);
  const next = (): number => ports.shift() ?? 0;
  return {
    connectors: {
      smtp: next(),
      submission: next(),
      submissions: next(),
      outboundProxy: next(),
      transport: next(),
      clientProxy: next(),
    },
    imap: { plain: next(), tls: next(), backEnd: next() },
    pop3: { plain: next(), tls: next(), backEnd: next() },
    web: next(),
    bind: (port) => [{ address, port }],
  };
}
