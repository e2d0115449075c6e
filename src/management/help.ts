/**
 * A cmdlet as clients see it: everything but what it does. Goes over the control socket and into the OpenAPI document,
 * so the shell completes and helps without the cmdlet table.
 */
import * as v from 'valibot';
import { isListType } from './binding.ts';
import type { Cmdlet } from './cmdlet.ts';

export const parameterHelpSchema = v.object({
  name: v.string(),
  aliases: v.array(v.string()),
  /** `Boolean`, `Int32`, `MultiValuedProperty<IPBinding>`, … */
  kind: v.string(),
  /** Completes "must be …". */
  accepts: v.string(),
  choices: v.nullable(v.array(v.string())),
  isList: v.boolean(),
  isSwitch: v.boolean(),
  required: v.boolean(),
  /** From 1; null: by name only. */
  position: v.nullable(v.number()),
  fromPipeline: v.boolean(),
  secret: v.boolean(),
  /** The door offers values beside `choices`. */
  completes: v.boolean(),
  help: v.string(),
});
export type ParameterHelp = v.InferOutput<typeof parameterHelpSchema>;

export const cmdletHelpSchema = v.object({
  name: v.string(),
  aliases: v.array(v.string()),
  synopsis: v.string(),
  description: v.string(),
  changes: v.boolean(),
  parameters: v.array(parameterHelpSchema),
  examples: v.array(v.object({ line: v.string(), says: v.string() })),
  roles: v.array(v.string()),
  columns: v.array(v.string()),
});
export type CmdletHelp = v.InferOutput<typeof cmdletHelpSchema>;

export function cmdletHelp(cmdlet: Cmdlet): CmdletHelp {
  return {
    name: cmdlet.name,
    aliases: [...(cmdlet.aliases ?? [])],
    synopsis: cmdlet.synopsis,
    description: cmdlet.description ?? '',
    changes: cmdlet.changes,
    parameters: cmdlet.parameters.map((one) => ({
      name: one.name,
      aliases: [...(one.aliases ?? [])],
      kind: one.type.kind,
      accepts: one.type.accepts,
      choices: one.type.choices === null ? null : [...one.type.choices],
      isList: isListType(one.type),
      isSwitch: one.isSwitch ?? false,
      required: one.required ?? false,
      position: one.position ?? null,
      fromPipeline: one.fromPipeline ?? false,
      secret: one.secret ?? false,
      completes: one.complete !== undefined,
      help: one.help,
    })),
    examples: cmdlet.examples.map(({ line, says }) => ({ line, says })),
    roles: [...cmdlet.roles],
    columns: [...cmdlet.columns],
  };
}
