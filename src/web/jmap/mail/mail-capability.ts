/** `urn:ietf:params:jmap:mail` (RFC 8621 §1.3.1) as a capability of the web host. */
import { FOLDER_DEPTH, FOLDER_NAME_BYTES } from '../../../wire/limits.ts';
import type { Mailbox } from '../../../store/api.ts';
import type { Capability, States } from '../capability.ts';
import { ATTACHMENT_BYTES } from './email-create.ts';
import { SORT_PROPERTIES } from './email-query.ts';
import { MailView } from './mail-view.ts';
import { mailMethods } from './methods.ts';
import { MAIL } from './names.ts';
import { stateOf, stateText } from './state.ts';

export const mailCapability: Capability = {
  uri: MAIL,
  describe: () => Promise.resolve({}),
  describeAccount: ({ owner, isReadOnly }) =>
    Promise.resolve(
      owner.mailbox === null
        ? null
        : {
            maxMailboxesPerEmail: null,
            maxMailboxDepth: FOLDER_DEPTH,
            maxSizeMailboxName: FOLDER_NAME_BYTES,
            maxSizeAttachmentsPerEmail: ATTACHMENT_BYTES,
            emailQuerySortOptions: [...SORT_PROPERTIES],
            mayCreateTopLevelMailbox: !isReadOnly,
          },
    ),
  methods: mailMethods,
  mailboxPush: { types: ['Mailbox', 'Email', 'Thread', 'EmailDelivery'], states },
};

async function states(mailbox: Mailbox): Promise<States> {
  const view = await MailView.open(mailbox);
  try {
    const state = stateText(stateOf(view, mailbox.folders()));
    // §1.5: it changes when mail is delivered, which is when the Inbox has got a new UID.
    const delivered = String(mailbox.folderByUse('inbox')?.uidNext ?? 0);
    return { Mailbox: state, Email: state, Thread: state, EmailDelivery: delivered };
  } finally {
    view.close();
  }
}
