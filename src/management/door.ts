/**
 * The one door: every cmdlet of every client is run here. Finds it, checks the caller's role groups, binds the
 * arguments, plans, asks before a dangerous change, and streams what comes out, one object at a time, no faster than
 * the client takes it. Knows no cmdlet, no shell and no HTTP.
 */
import { nearestName } from '../config/nearest-name.ts';
import { Failure } from '../observe/failure.ts';
import { errorName, traces } from '../observe/traces/spans.ts';
import { bindArguments, isCommon, matchParameter, type RawArguments } from './binding.ts';
import type { Caller, Cmdlet, CmdletCall, CmdletObject, ManagementServices, Plan } from './cmdlet.ts';
import { protectingAccounts } from './protected-accounts.ts';
import { checkMayRun, mayRun } from './roles.ts';
import { supervised } from './supervise.ts';

/** A cmdlet that gives no sign of life (object, warning, progress) for so long is ended. */
export const CMDLET_SILENCE_MS = 300_000;
/** Values offered for one completion. */
export const COMPLETIONS = 200;

/** A dangerous change, or one with `-Confirm`: run it again with `confirm: false` when the answer is yes. */
export class ConfirmationNeeded extends Failure {
  /** What would be done, as -WhatIf says it. */
  readonly what: string;

  constructor(what: string) {
    super('CANNOT', `${what}. Are you sure? Without a question: -Confirm:$false`);
    this.name = 'ConfirmationNeeded';
    this.what = what;
  }
}

export interface RunOptions {
  readonly whatIf?: boolean;
  /** True: ask; false: never ask; null: ask before a dangerous change. */
  readonly confirm?: boolean | null;
  /** The object that came through the pipeline. */
  readonly input?: CmdletObject | null;
  /** Aborted: the caller has gone away. */
  readonly signal?: AbortSignal;
  onWarning?(text: string): void;
  onProgress?(done: number, total: number | null, activity: string): void;
}

export interface ManagementDoor {
  readonly cmdlets: readonly Cmdlet[];
  /** By name or alias, in any case. @throws Failure NONEXISTENT with the nearest name */
  find(name: string): Cmdlet;
  /**
   * Nothing happens before the first object is asked for. With -WhatIf comes one object `{ WhatIf: … }`.
   * @throws Failure NOPERM, ConfirmationNeeded, and whatever the cmdlet refuses
   */
  run(caller: Caller, name: string, args: RawArguments, options?: RunOptions): AsyncIterable<CmdletObject>;
  /** Values for a parameter that begin as typed. None for whoever may not run the cmdlet. */
  complete(caller: Caller, cmdlet: string, parameter: string, typed: string): Promise<readonly string[]>;
}

export function createDoor(
  cmdlets: readonly Cmdlet[],
  services: ManagementServices,
  limits: { readonly silenceMs?: number } = {},
): ManagementDoor {
  const byName = new Map<string, Cmdlet>();
  for (const cmdlet of cmdlets) {
    for (const name of [cmdlet.name, ...(cmdlet.aliases ?? [])]) {
      const key = name.toLowerCase();
      if (byName.has(key)) throw new Error(`two cmdlets are called ${name}`);
      byName.set(key, cmdlet);
    }
  }
  const log = services.log.child({ part: 'management' });

  const find = (name: string): Cmdlet => {
    const cmdlet = byName.get(name.trim().toLowerCase());
    if (cmdlet !== undefined) return cmdlet;
    const nearest = nearestName(
      name,
      cmdlets.map((one) => one.name),
    );
    const hint = nearest === null ? 'all there are: Get-Command' : `did you mean ${nearest}?`;
    throw new Failure('NONEXISTENT', `there is no cmdlet ${name.slice(0, 80)}; ${hint}`);
  };

  const checked = (caller: Caller, name: string): Cmdlet => {
    const cmdlet = find(name);
    try {
      checkMayRun(cmdlet, caller);
    } catch (error) {
      log.warn({ user: caller.user, via: caller.via, cmdlet: cmdlet.name, roles: caller.roles }, 'cmdlet refused');
      throw error;
    }
    return cmdlet;
  };

  async function* run(
    caller: Caller,
    name: string,
    args: RawArguments,
    options: RunOptions = {},
  ): AsyncGenerator<CmdletObject> {
    const cmdlet = checked(caller, name);
    yield* traced(cmdlet, caller, carriedOut(cmdlet, caller, args, options));
  }

  async function* carriedOut(
    cmdlet: Cmdlet,
    caller: Caller,
    args: RawArguments,
    options: RunOptions,
  ): AsyncGenerator<CmdletObject> {
    const bound = bindArguments(cmdlet, args, options.input ?? null);
    const whatIf = bound.whatIf ?? options.whatIf ?? false;
    const confirm = bound.confirm ?? options.confirm ?? null;
    yield* supervised<CmdletObject>(
      (signal, alive) => {
        const call: CmdletCall = {
          args: bound.args,
          services: {
            ...services,
            directory: protectingAccounts(
              services.directory.as({ user: caller.user, via: caller.via, command: cmdlet.name }),
              caller,
            ),
          },
          caller,
          signal,
          warn: (text) => {
            alive();
            options.onWarning?.(text);
          },
          progress: (done, total, activity) => {
            alive();
            options.onProgress?.(done, total, activity);
          },
        };
        if (cmdlet.changes) return carryOut(call, cmdlet.plan(call), { whatIf, confirm, verbose: bound.verbose });
        if (whatIf) throw new Failure('CANNOT', `${cmdlet.name} changes nothing and has no -WhatIf`);
        return cmdlet.run(call);
      },
      {
        name: cmdlet.name,
        signal: options.signal ?? null,
        silenceMs: limits.silenceMs ?? CMDLET_SILENCE_MS,
        onLateError: (error) => log.error({ err: error, cmdlet: cmdlet.name }, 'a cmdlet failed after its end'),
      },
    );
    if (cmdlet.changes && !whatIf) {
      log.info({ user: caller.user, via: caller.via, cmdlet: cmdlet.name, parameters: bound.args.given }, 'cmdlet');
    }
  }

  return {
    cmdlets,
    find,
    run,
    complete: async (caller, name, parameterName, typed) => {
      const cmdlet = find(name);
      if (!mayRun(cmdlet, caller)) return [];
      const parameter = matchParameter(cmdlet, parameterName);
      if (isCommon(parameter)) return beginning(['$true', '$false'], typed);
      if (parameter.secret === true) return [];
      const { type } = parameter;
      const fixed = type.kind === 'Boolean' ? ['$true', '$false'] : (type.choices ?? []);
      const found = (await parameter.complete?.(services, typed)) ?? [];
      return beginning([...new Set([...fixed, ...found])], typed);
    },
  };
}

/** One span from the first object asked for to the last, its reader's time included. */
async function* traced(cmdlet: Cmdlet, caller: Caller, objects: AsyncGenerator<CmdletObject>) {
  const attributes = { 'penfold.cmdlet': cmdlet.name, 'penfold.via': caller.via };
  const span = traces.current?.alone(`cmdlet ${cmdlet.name}`, attributes) ?? null;
  try {
    yield* objects;
  } catch (error) {
    span?.end(errorName(error));
    throw error;
  } finally {
    span?.end();
  }
}

async function* carryOut(
  call: CmdletCall,
  planned: Promise<Plan>,
  how: { readonly whatIf: boolean; readonly confirm: boolean | null; readonly verbose: boolean },
): AsyncGenerator<CmdletObject> {
  const plan = await planned;
  if (how.whatIf) {
    yield { WhatIf: plan.what };
    return;
  }
  if (how.confirm === true || (how.confirm === null && plan.dangerous)) throw new ConfirmationNeeded(plan.what);
  // Whoever has gone away while it was planned did not see the plan, either.
  call.signal.throwIfAborted();
  if (how.verbose) call.progress(0, null, plan.what);
  yield* plan.apply();
}

function beginning(values: readonly string[], typed: string): readonly string[] {
  const word = typed.toLowerCase().replace(/^\$/, '');
  return values.filter((value) => value.toLowerCase().replace(/^\$/, '').startsWith(word)).slice(0, COMPLETIONS);
}
