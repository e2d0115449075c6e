/** `Core/echo` (RFC 8620 §4): a client asks whether it is heard. The session object tells of the core itself. */
import type { Capability } from './capability.ts';
import { CORE } from './mail/names.ts';

export const coreEcho: Capability = {
  uri: CORE,
  describe: () => Promise.resolve(null),
  describeAccount: () => Promise.resolve(null),
  methods: [{ name: 'Core/echo', capability: CORE, run: ({ args }) => Promise.resolve(args) }],
  withoutMailbox: true,
};
