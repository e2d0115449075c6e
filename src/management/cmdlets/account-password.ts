/**
 * -Password and -GeneratePassword of New-Mailbox and Set-Mailbox. What an admin sets is his decision, so a weak one is
 * a warning; what people choose themselves is held to the policy (auth/password-policy.ts).
 */
import { checkNewPassword, generatePassword } from '../../auth/password-policy.ts';
import { makeCredentials } from '../../auth/verifiers.ts';
import type { Credentials } from '../../directory/model.ts';
import { boolean, type ValueType } from '../../directory/settings/value-types.ts';
import { Failure } from '../../observe/failure.ts';
import { PASSWORD_BYTES } from '../../wire/limits.ts';
import type { Arguments, CmdletCall, Parameter } from '../cmdlet.ts';

/** Blanks and signs as typed: a password is no line of text. */
const secretText: ValueType<string> = (() => {
  const read = (value: unknown): string | undefined =>
    typeof value === 'string' && value !== '' && Buffer.byteLength(value) <= PASSWORD_BYTES ? value : undefined;
  return {
    kind: 'SecureString',
    accepts: `1–${PASSWORD_BYTES} bytes; typed without a value it is asked for`,
    choices: null,
    read,
    store: (value: string) => value,
    parse: read,
    format: () => '*****',
  };
})();

export const password: Parameter<string> = {
  name: 'Password',
  aliases: ['RoomMailboxPassword'],
  type: secretText,
  secret: true,
  help: 'The password. In the shell leave the value out: it is asked for and stands in no history.',
};
export const makePassword: Parameter<boolean> = {
  name: 'GeneratePassword',
  type: boolean,
  isSwitch: true,
  help: 'Makes a password that can be read over the telephone, and shows it once. Not in Exchange.',
};

export interface NewPassword {
  readonly credentials: Credentials;
  /** To be shown once; null: the admin knows what he typed. */
  readonly generated: string | null;
}

/** Whether one of the two is given. @throws Failure CANNOT when both are */
export function givesPassword(args: Arguments): boolean {
  const makes = args.optional(makePassword) === true;
  if (makes && args.has(password))
    throw new Failure('CANNOT', '-Password and -GeneratePassword cannot both be given in one command');
  return makes || args.has(password);
}

/**
 * Costs what a logon costs, so it is done when the plan is carried out. `make`: of an account that is there already.
 * Null: none was given. @throws Failure CANNOT
 */
export async function newPassword(
  call: CmdletCall,
  names: readonly string[],
  make: (password: string) => Promise<Credentials> = makeCredentials,
): Promise<NewPassword | null> {
  if (!givesPassword(call.args)) return null;
  const typed = call.args.optional(password);
  if (typed === undefined) {
    const generated = generatePassword();
    return { credentials: await make(generated), generated };
  }
  const credentials = await make(typed);
  try {
    checkNewPassword(typed, { names });
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    call.warn(`${error.message} It is set all the same.`);
  }
  return { credentials, generated: null };
}
