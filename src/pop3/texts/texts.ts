/**
 * What a POP3 server says to a person, one table a language (RFC 6856 §3 LANG). A table is complete: the compiler asks
 * for every text in every language. English is plain ASCII, because it is what a client hears that never said LANG
 * (RFC 2449 §3); the others are UTF-8. Protocol words and response codes are not translated.
 */
import type { FailureCode } from '../../observe/failure.ts';

/** What was wrong with a line that is no valid command. */
export type Mistake =
  | 'noCommand'
  | 'unknownCommand'
  | 'takesNoArgument'
  | 'takesAtMostOneNumber'
  | 'takesOneNumber'
  | 'topArguments'
  | 'noNumber'
  | 'takesOneTag'
  | 'tooLateForIt';

export interface Pop3Texts {
  /** `verb`: the command as far as it was understood, upper case. */
  readonly mistake: Readonly<Record<Mistake, (verb: string) => string>>;

  /* before logon */
  readonly loggedOn: string;
  readonly goodbye: string;
  readonly beginTls: string;
  readonly tlsIsOn: string;
  readonly pipelinedBehindStls: string;
  readonly stlsBehindUtf8: string;
  readonly utf8On: string;
  readonly userTakesName: string;
  readonly notUtf8: string;
  readonly passBehindUser: string;
  readonly noApop: string;
  readonly logOnFirst: string;
  readonly mechanismsFollow: string;
  readonly authArguments: string;
  readonly badInitialResponse: string;
  readonly badResponse: string;
  readonly authCancelled: string;
  readonly tooManyFailedLogons: string;
  readonly idleBeforeLogon: string;
  /** Seconds. */
  readonly loginDelay: (seconds: number) => string;

  /* in both states */
  readonly capabilitiesFollow: string;
  readonly languagesFollow: string;
  readonly languageChanged: string;
  readonly languageUnknown: (range: string) => string;
  readonly commandTooLong: (bytes: number) => string;
  readonly tooManyBadCommands: string;
  readonly goingDown: string;
  readonly internalError: string;

  /* behind the logon */
  readonly noSuchMessage: string;
  readonly gone: string;
  readonly needsUtf8: string;
  readonly deleted: (message: number) => string;
  readonly maildrop: (count: number, octets: number) => string;
  readonly listing: (count: number, octets: number) => string;
  readonly octets: (size: number) => string;
  readonly topFollows: string;
  readonly bye: string;
  readonly byeRemoved: (count: number) => string;
  readonly byeKept: (count: number) => string;
  readonly notRemoved: string;

  /** Translation of a failure that came from deeper inside; null: its own English text is told. */
  readonly failure: (code: FailureCode) => string | null;
}
