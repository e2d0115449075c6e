/**
 * How much a mailbox holds and may hold (RFC 9425): one quota an account, in octets, from the counters of the store and
 * the limits that are in force for it. Quotas are the administrator's; there is no /set.
 */
import type { Directory } from '../../../directory/api.ts';
import type { Account } from '../../../directory/model.ts';
import type { Mailbox } from '../../../store/api.ts';
import { MethodArguments } from '../arguments.ts';
import type { Capability, JmapContext } from '../capability.ts';
import type { Method } from '../dispatch.ts';
import { carryOutGet, GET_ARGUMENTS } from '../get-call.ts';
import type { JsonObject } from '../json.ts';
import { accountOf } from '../mail/context.ts';
import { MethodError } from '../method-error.ts';

export const QUOTA = 'urn:ietf:params:jmap:quota';
const ID = 'mailbox';
const PROPERTIES = ['id', 'resourceType', 'used', 'hardLimit', 'scope', 'name', 'types', 'warnLimit', 'softLimit'];
/** An UnsignedInt has no word for "unlimited" (RFC 8620 §1.3): its largest value is one nobody reaches. */
const limit = (octets: number): number => (octets === Infinity ? Number.MAX_SAFE_INTEGER : octets);

/** Every commit may change what is used; a changed limit shows at the next look. */
const stateOf = (mailbox: Mailbox): string => {
  const { bytes, messages } = mailbox.usage();
  return `${messages}-${bytes}`;
};

async function quotaOf(directory: Directory, owner: Account, mailbox: Mailbox): Promise<JsonObject> {
  const quotas = await directory.effectiveQuotas(owner.id);
  return {
    id: ID,
    resourceType: 'octets',
    used: mailbox.usage().bytes,
    /** More is not taken in. Before that nothing can be sent any more: `softLimit`. */
    hardLimit: limit(quotas.prohibitSendReceiveQuota),
    scope: 'account',
    name: owner.displayName,
    types: ['Email'],
    warnLimit: limit(quotas.issueWarningQuota),
    softLimit: limit(quotas.prohibitSendQuota),
  };
}

export function quotaCapability({ directory }: { readonly directory: Directory }): Capability {
  const methods: readonly Method<JmapContext>[] = [
    {
      name: 'Quota/get',
      capability: QUOTA,
      run: async ({ context, args: given }) => {
        const args = new MethodArguments(given, GET_ARGUMENTS);
        const { owner, mailbox } = await accountOf(context, args);
        const records = new Map([[ID, await quotaOf(directory, owner, mailbox)]]);
        return {
          accountId: args.id('accountId'),
          state: stateOf(mailbox),
          ...carryOutGet(args, PROPERTIES, records),
        };
      },
    },
    {
      name: 'Quota/changes',
      capability: QUOTA,
      run: async ({ context, args: given }) => {
        const args = new MethodArguments(given, ['accountId', 'sinceState', 'maxChanges']);
        const { mailbox } = await accountOf(context, args);
        const since = args.optionalText('sinceState');
        if (since === null) throw new MethodError('invalidArguments', 'sinceState must be a string');
        const now = stateOf(mailbox);
        return {
          accountId: args.id('accountId'),
          oldState: since,
          newState: now,
          hasMoreChanges: false,
          created: [],
          updated: since === now ? [] : [ID],
          destroyed: [],
          updatedProperties: null,
        };
      },
    },
  ];
  return {
    uri: QUOTA,
    describe: () => Promise.resolve({}),
    describeAccount: ({ owner }) => Promise.resolve(owner.mailbox === null ? null : {}),
    methods,
    mailboxPush: { types: ['Quota'], states: (mailbox) => Promise.resolve({ Quota: stateOf(mailbox) }) },
  };
}
