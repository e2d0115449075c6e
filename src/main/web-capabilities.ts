/** The JMAP capabilities of a running server (ADR 12 §2): one list, which the web host serves. */
import type { LookupFunction } from 'node:net';
import type { Authenticator } from '../auth/api.ts';
import type { Directory } from '../directory/api.ts';
import { adminCapability } from '../management/api/admin-capability.ts';
import type { CallPlaces } from '../management/api/call-places.ts';
import { clientSettingsCapability } from '../management/api/client-settings/capability.ts';
import type { ManagementDoor } from '../management/door.ts';
import type { RunningServices } from '../management/services-of-instance.ts';
import type { Log } from '../observe/log.ts';
import { calendarCapability } from '../web/jmap/calendar/calendar-capability.ts';
import type { CalendarParts } from '../web/jmap/calendar/calendar-parts.ts';
import { accountCapability } from '../web/jmap/account/capability.ts';
import type { Capability } from '../web/jmap/capability.ts';
import { coreEcho } from '../web/jmap/core-echo.ts';
import { mailCapability } from '../web/jmap/mail/mail-capability.ts';
import { quotaCapability } from '../web/jmap/quota/quota-capability.ts';
import { recoverableCapability } from '../web/jmap/recoverable/recoverable-items.ts';
import { submissionCapability } from '../web/jmap/submission/submission-capability.ts';
import type { SubmissionParts } from '../web/jmap/submission/submitting.ts';
import { mailViewCapability } from '../web/jmap/mail-view/email-view.ts';

export interface CapabilityParts {
  readonly directory: Directory;
  readonly authenticator: Authenticator;
  readonly door: ManagementDoor;
  readonly running: Pick<RunningServices, 'authorityPem'>;
  readonly places: CallPlaces;
  readonly calendar: CalendarParts;
  /** How `Test my settings` resolves host names; for tests. */
  readonly lookup?: LookupFunction;
  readonly submission: SubmissionParts;
  readonly log: Log;
}

export function webCapabilities(parts: CapabilityParts): readonly Capability[] {
  const { directory, authenticator, door, running, places, lookup, submission, calendar, log } = parts;
  return [
    coreEcho,
    mailCapability,
    submissionCapability(submission),
    recoverableCapability({ directory }),
    quotaCapability({ directory }),
    mailViewCapability,
    calendarCapability(calendar),
    accountCapability({ directory, authenticator }),
    clientSettingsCapability({
      directory,
      authenticator,
      authorityPem: () => running.authorityPem(),
      lookup,
      log,
    }),
    adminCapability({ directory, door, places, log }),
  ];
}
