/**
 * `urn:penfold:params:jmap:admin` (ADR 12 §2): the door of ADR 6 for the pages of the console, with the same cmdlets,
 * role groups, questions and audit as the shell. Who is in no role group does not have the capability, and its methods
 * are forbidden to him whatever he writes in `using`. An app password is for mail programs and opens no door.
 */
import type { Directory } from '../../directory/api.ts';
import type { Account, RoleGroup } from '../../directory/model.ts';
import { Failure } from '../../observe/failure.ts';
import type { Log } from '../../observe/log.ts';
import { MethodArguments } from '../../web/jmap/arguments.ts';
import type { Capability, JmapContext } from '../../web/jmap/capability.ts';
import type { Method } from '../../web/jmap/dispatch.ts';
import type { Json, JsonObject } from '../../web/jmap/json.ts';
import { MethodError } from '../../web/jmap/method-error.ts';
import { JMAP_LIMITS } from '../../web/jmap/request.ts';
import type { Caller, Cell, Cmdlet, CmdletObject } from '../cmdlet.ts';
import { readRawArguments } from '../cmdlet-json.ts';
import { commandLine } from '../command-line.ts';
import { ConfirmationNeeded, type ManagementDoor } from '../door.ts';
import { type CmdletHelp, cmdletHelp } from '../help.ts';
import { mayRun } from '../roles.ts';
import type { CallPlaces } from './call-places.ts';

export const ADMIN = 'urn:penfold:params:jmap:admin';

/**
 * Pushed to whoever has a role group when anything was changed that the audit log tells: an open page of the console
 * asks again for what it shows. Its state is the newest entry.
 */
export const CHANGE_TYPE = 'AuditEntry';

/** Objects of one answer: a page shows some hundred. */
export const MAX_RESULTS = 1000;
const USUAL_RESULTS = 500;
/** Of the objects of one answer as JSON. What comes behind is left out, and the answer says so. */
export const MAX_RESULT_BYTES = 2 * 1024 * 1024;
const WARNINGS = 100;

export interface AdminCapabilityOptions {
  readonly directory: Directory;
  readonly door: ManagementDoor;
  readonly places: CallPlaces;
  readonly log: Log;
}

export function adminCapability(options: AdminCapabilityOptions): Capability {
  const { directory } = options;
  return {
    uri: ADMIN,
    describe: async (user) => {
      const roles = await directory.roleGroups(user.id);
      return roles.length === 0 ? null : { roleGroups: roles, maxResults: MAX_RESULTS };
    },
    describeAccount: async ({ owner }, user) =>
      owner.id === user.id && (await directory.roleGroups(user.id)).length > 0 ? {} : null,
    methods: [run(options), get(options)],
    withoutMailbox: true,
    directoryTypes: [
      {
        type: CHANGE_TYPE,
        concerns: (_change, { owner }, user) => owner.id === user.id,
        state: async (_account, user) => {
          if ((await directory.roleGroups(user.id)).length === 0) return '';
          const [newest] = await directory.auditLog({ limit: 1 });
          return String(newest?.id ?? 0);
        },
      },
    ],
  };
}

/** @throws MethodError forbidden */
async function callerOf({ directory }: AdminCapabilityOptions, { user, appPassword }: JmapContext): Promise<Caller> {
  if (appPassword !== null)
    throw new MethodError('forbidden', 'an app password is for mail programs; sign in with your own password');
  const roles: readonly RoleGroup[] = await directory.roleGroups(user.id);
  if (roles.length === 0 || !mayAct(user))
    throw new MethodError('forbidden', `${user.userPrincipalName} is in no role group and may run no cmdlet`);
  return { user: user.userPrincipalName, roles, via: 'web' };
}

/** A request may come in just when its account is disabled. */
const mayAct = (user: Account): boolean => user.enabled;

function get(options: AdminCapabilityOptions): Method<JmapContext> {
  return {
    name: 'Cmdlet/get',
    capability: ADMIN,
    run: async ({ context, args: given }) => {
      const caller = await callerOf(options, context);
      const args = new MethodArguments(given, ['ids']);
      const mine = options.door.cmdlets.filter((cmdlet) => mayRun(cmdlet, caller));
      const ids = args.ids('ids');
      if (ids !== null && ids.length > JMAP_LIMITS.maxObjectsInGet)
        throw new MethodError('requestTooLarge', `at most ${JMAP_LIMITS.maxObjectsInGet} ids`);
      const found = ids === null ? mine : mine.filter(({ name }) => ids.some((id) => sameName(id, name)));
      return {
        // The cmdlets of a version are fixed: another state is another set of role groups.
        state: [...caller.roles].sort().join('+').replaceAll(' ', ''),
        list: found.map((cmdlet) => helpObject(cmdletHelp(cmdlet))),
        notFound: [...new Set(ids ?? [])].filter((id) => !found.some(({ name }) => sameName(id, name))),
      };
    },
  };
}

const sameName = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();

const helpObject = ({ parameters, examples, ...facts }: CmdletHelp): JsonObject => ({
  id: facts.name,
  ...facts,
  parameters: parameters.map((one) => ({ ...one })),
  examples: examples.map((one) => ({ ...one })),
});

function run(options: AdminCapabilityOptions): Method<JmapContext> {
  const { door, places } = options;
  return {
    name: 'Cmdlet/run',
    capability: ADMIN,
    run: async ({ context, args: given, signal }) => {
      const caller = await callerOf(options, context);
      const args = new MethodArguments(given, ['name', 'parameters', 'whatIf', 'confirm', 'maxResults']);
      const name = args.optionalText('name') ?? '';
      const most = Math.min(MAX_RESULTS, args.whole('maxResults', 1, USUAL_RESULTS));
      const confirm = args.json('confirm');
      if (confirm !== null && typeof confirm !== 'boolean')
        throw new MethodError('invalidArguments', 'confirm must be true, false or null');
      const whatIf = args.flag('whatIf');
      try {
        return await places.within(caller.user, async () => {
          const cmdlet = door.find(name);
          const parameters = readRawArguments(args.object('parameters') ?? {});
          const line = commandLine(cmdlet, parameters, { whatIf });
          const output = await collected(cmdlet, most, (onWarning) =>
            door.run(caller, cmdlet.name, parameters, { whatIf, confirm, signal, onWarning }),
          );
          return { ...output, commandLine: line };
        });
      } catch (error) {
        throw asMethodError(error);
      }
    },
  };
}

async function collected(
  cmdlet: Cmdlet,
  most: number,
  start: (onWarning: (text: string) => void) => AsyncIterable<CmdletObject>,
): Promise<JsonObject> {
  const objects: JsonObject[] = [];
  const warnings: string[] = [];
  let bytes = 0;
  let hasMore = false;
  const onWarning = (text: string): void => {
    if (warnings.length < WARNINGS) warnings.push(text);
  };
  for await (const object of start(onWarning)) {
    bytes += Buffer.byteLength(JSON.stringify(object));
    if (objects.length < most && bytes <= MAX_RESULT_BYTES) {
      objects.push(Object.fromEntries(Object.entries(object).map(([name, cell]) => [name, jsonOf(cell)])));
      continue;
    }
    hasMore = true;
    // A change is carried out to its end; what only reads is not read in vain.
    if (!cmdlet.changes) break;
  }
  return { objects, hasMore, warnings };
}

function jsonOf(cell: Cell): Json {
  if (typeof cell !== 'object' || cell === null) return cell;
  return 'text' in cell ? { text: cell.text, value: cell.value } : cell.map(jsonOf);
}

/** Refusals of cmdlets keep their code: JMAP's own types speak of mail accounts. */
function asMethodError(error: unknown): unknown {
  if (error instanceof ConfirmationNeeded)
    return new MethodError('confirmationNeeded', error.message, { what: error.what });
  if (!(error instanceof Failure)) return error;
  if (error.code === 'NOPERM') return new MethodError('forbidden', error.message);
  if (error.code === 'SERVERBUG') return error;
  return new MethodError('cmdletFailed', error.message, { code: error.code });
}
