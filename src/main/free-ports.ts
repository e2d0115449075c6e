/** Ports that nobody listens on now. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import type { PortPlan } from './organization.ts';

/**
 * Systems give outgoing connections ports from 32768 (Linux) or 49152 on: one of those that is free now may be taken
 * by a connection before anybody listens on it.
 */
const LOWEST = 10_240;
const HIGHEST = 32_767;
/** More in a row that are taken: this machine is not like others. */
const ATTEMPTS = 500;
/** Processes that look at the same time look in different places: between finding and listening a port is nobody's. */
const OF_A_PROCESS = 64;
let next = LOWEST + ((process.pid * OF_A_PROCESS) % (HIGHEST - LOWEST));

function candidate(): number {
  next = next >= HIGHEST ? LOWEST : next + 1;
  return next;
}

/** All held open until the last is known, so that none is given twice. */
export async function findFreePorts(address: string, count: number): Promise<number[]> {
  const servers: Server[] = [];
  try {
    const ports: number[] = [];
    for (let attempts = 0; ports.length < count; attempts += 1) {
      const server = createServer();
      const port = attempts < ATTEMPTS ? candidate() : 0;
      try {
        server.listen({ host: address, port });
        await once(server, 'listening');
      } catch (error) {
        if (attempts < ATTEMPTS) continue;
        throw error;
      }
      servers.push(server);
      const bound = server.address();
      if (bound !== null && typeof bound === 'object') ports.push(bound.port);
    }
    return ports;
  } finally {
    for (const server of servers) server.close();
  }
}

export async function freePorts(address: string): Promise<PortPlan> {
  const ports = await findFreePorts(address, 15);
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
    redirect: next(),
    backEndHttps: next(),
    bind: (port) => [{ address, port }],
  };
}
