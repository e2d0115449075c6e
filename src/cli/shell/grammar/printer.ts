/** Statements → text that `parse` reads as the same. For the history, for errors, and for the round trip. Pure. */
import { printText, quoted } from '../../../management/command-line.ts';
import { unreachable } from '../../../observe/failure.ts';
import type { Argument, Pipeline, Stage, Statement, Value, VariableReference } from './ast.ts';

export function printStatement(statement: Statement): string {
  const pipeline = printPipeline(statement.pipeline);
  return statement.assignTo === null ? pipeline : `$${statement.assignTo} = ${pipeline}`;
}

export function printPipeline(pipeline: Pipeline): string {
  return pipeline.stages.map(printStage).join(' | ');
}

function printStage(stage: Stage): string {
  if (stage.kind === 'expression') {
    return stage.value.kind === 'text' ? quoted(stage.value.text) : printValue(stage.value, true);
  }
  return [printText(stage.name), ...stage.arguments.map(printArgument)].join(' ');
}

function printArgument(argument: Argument): string {
  if (argument.kind !== 'parameter') return printValue(argument);
  return `-${argument.name}${argument.attached === null ? '' : `:${printValue(argument.attached)}`}`;
}

const printReference = (reference: VariableReference): string => `$${[reference.name, ...reference.path].join('.')}`;

export function printValue(value: Value, always = false): string {
  switch (value.kind) {
    case 'text':
      return always ? quoted(value.text) : printText(value.text);
    case 'template':
      return `"${value.parts
        .map((part) =>
          typeof part === 'string' ? part.replaceAll(/[`$"\u201c\u201d\u201e]/g, '`$&') : `\${${part.name}}`,
        )
        .join('')}"`;
    case 'constant':
      return value.value === null ? '$null' : `$${String(value.value)}`;
    case 'variable':
      return printReference(value);
    case 'list': {
      const items = value.items.map((item) => printValue(item, true));
      return items.length > 1 && !always ? items.join(',') : `@(${items.join('; ')})`;
    }
    case 'block':
      return `{${value.inner}}`;
    case 'edit':
      return `@{${value.entries.map(({ key, value: entry }) => `${key}=${printValue(entry, true)}`).join('; ')}}`;
    case 'group':
      return `(${printPipeline(value.pipeline)})${value.path.map((name) => `.${name}`).join('')}`;
    default:
      return unreachable(value);
  }
}
