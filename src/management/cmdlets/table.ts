/** Every cmdlet there is. A new noun is a file in this folder and a row here. */
import type { Cmdlet } from '../cmdlet.ts';
import { adSiteCmdlets } from './ad-site.ts';
import { adminAuditLogCmdlets } from './admin-audit-log.ts';
import { roleGroupCmdlets } from './role-group.ts';
import { exchangeCertificateCmdlets } from './exchange-certificate.ts';
import { exchangeServerCmdlets } from './exchange-server.ts';
import { sessionCmdlets } from './session.ts';
import { throttlingPolicyCmdlets } from './throttling-policy.ts';
import { acceptedDomainCmdlets } from './accepted-domain.ts';
import { transportConfigCmdlets } from './transport-config.ts';
import { serverComponentStateCmdlets } from './server-component-state.ts';
import { serviceCmdlets } from './service.ts';
import { receiveConnectorCmdlets } from './receive-connector.ts';
import { popSettingsCmdlets } from './pop-settings.ts';
import { imapSettingsCmdlets } from './imap-settings.ts';
import { clientAccessServerCmdlets } from './client-access-server.ts';
import { casMailboxCmdlets } from './cas-mailbox.ts';
import { clientDnsRecordCmdlets } from './client-dns-record.ts';
import { healthCmdlets } from './health.ts';
import { testConnectivityCmdlets } from './test-connectivity.ts';
import { disconnectedMailboxCmdlets } from './disconnected-mailbox.ts';
import { getMailbox, setMailbox } from './mailbox.ts';
import { mailboxDatabaseCmdlets } from './mailbox-database.ts';
import { getMailboxFolderStatistics } from './mailbox-folder-statistics.ts';
import { mailboxPermissionCmdlets } from './mailbox-permission.ts';
import { getMailboxStatistics } from './mailbox-statistics.ts';
import { mailboxTransferCmdlets } from './mailbox-transfer.ts';
import { getMessageTrackingLog } from './message-tracking-log.ts';
import { moveRequestCmdlets } from './move-request.ts';
import { enableMailbox, newMailbox } from './new-mailbox.ts';
import { recoverableItemsCmdlets } from './recoverable-items.ts';
import { signInCmdlets } from './sign-in.ts';

const NOUNS: ReadonlyArray<readonly Cmdlet[]> = [
  adminAuditLogCmdlets,
  roleGroupCmdlets,
  exchangeCertificateCmdlets,
  exchangeServerCmdlets,
  adSiteCmdlets,
  sessionCmdlets,
  throttlingPolicyCmdlets,
  acceptedDomainCmdlets,
  transportConfigCmdlets,
  serverComponentStateCmdlets,
  serviceCmdlets,
  receiveConnectorCmdlets,
  popSettingsCmdlets,
  imapSettingsCmdlets,
  clientAccessServerCmdlets,
  casMailboxCmdlets,
  clientDnsRecordCmdlets,
  healthCmdlets,
  testConnectivityCmdlets,
  [getMailbox, setMailbox, newMailbox, enableMailbox],
  disconnectedMailboxCmdlets,
  mailboxPermissionCmdlets,
  signInCmdlets,
  [getMailboxStatistics, getMailboxFolderStatistics],
  mailboxDatabaseCmdlets,
  recoverableItemsCmdlets,
  mailboxTransferCmdlets,
  moveRequestCmdlets,
  [getMessageTrackingLog],
];

export const CMDLETS: readonly Cmdlet[] = NOUNS.flat().toSorted((a, b) => (a.name < b.name ? -1 : 1));
