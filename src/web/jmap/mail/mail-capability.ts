/** `urn:ietf:params:jmap:mail` (RFC 8621 §1.3.1): what is told of it, its methods, and states behind a change (§1.5). */
import type { Mailbox } from '../../../store/api.ts';
import type { Capability, States } from '../capability.ts';
import { emailMethods } from './email-methods.ts';
import { mailboxMethods } from './mailbox-methods.ts';
import { MailView } from './mail-view.ts';
import { MAIL } from './names.ts';
import { stateOf, stateText } from './state.ts';

/** Octets of a folder's name (store/mailbox/folder-name.ts counts the whole path). */
const MAILBOX_NAME_BYTES = 255;
/** What a person puts there himself is no delivery (§1.5). */
const OWN_WRITING: ReadonlySet<string | null> = new Set(['drafts', 'sent']);

export const mailCapability: Capability = {
  uri: MAIL,
  describe: () => Promise.resolve({}),
  describeAccount: ({ owner, isReadOnly }) =>
    Promise.resolve(
      owner.mailbox === null
        ? null
        : {
            maxMailboxesPerEmail: null,
            maxMailboxDepth: null,
            maxSizeMailboxName: MAILBOX_NAME_BYTES,
            maxSizeAttachmentsPerEmail: 100 * 1024 * 1024,
            emailQuerySortOptions: ['receivedAt', 'sentAt', 'size', 'from', 'to', 'subject', 'hasKeyword'],
            mayCreateTopLevelMailbox: !isReadOnly,
          },
    ),
  methods: [...mailboxMethods, ...emailMethods],
  mailboxPush: { types: ['Email', 'EmailDelivery', 'Mailbox', 'Thread'], states: mailStates },
};

async function mailStates(mailbox: Mailbox): Promise<States> {
  const view = await MailView.open(mailbox);
  try {
    const state = stateText(stateOf(view, mailbox.folders()));
    let delivered = 0;
    for (const { folder, columns } of view.views.values()) {
      if (OWN_WRITING.has(folder.specialUse)) continue;
      for (let row = 0; row < columns.length; row += 1) delivered = Math.max(delivered, columns.content[row] ?? 0);
    }
    return { Email: state, EmailDelivery: String(delivered), Mailbox: state, Thread: state };
  } finally {
    view.close();
  }
}
