/**
 * The OpenAPI 3.1 document of the admin API, made from the cmdlet table: a cmdlet that exists is described, and nothing
 * is described twice. Pure.
 */
import type { Cmdlet, Parameter } from '../cmdlet.ts';
import { commonParameters, isListType } from '../binding.ts';

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

const PROBLEM: Json = { $ref: '#/components/responses/Problem' };

export function openApiDocument(cmdlets: readonly Cmdlet[], version: string): { readonly [key: string]: Json } {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Penfold admin API',
      version,
      description:
        'Every cmdlet of the admin shell. Names of cmdlets and parameters are taken in any case and shortened as in the shell; here they stand in full. Who may run what depends on role groups; each change is in the audit log.',
    },
    servers: [{ url: '/' }],
    security: [{ basic: [] }],
    tags: [...new Set(cmdlets.map(nounOf))].toSorted().map((name) => ({ name })),
    paths: {
      '/admin/openapi.json': { get: documentOperation() },
      '/admin/cmdlets': {
        get: {
          operationId: 'listCmdlets',
          summary: 'The cmdlets the caller may run, with parameters, help and examples.',
          responses: { '200': jsonResponse('Cmdlets', { type: 'array', items: { type: 'object' } }), default: PROBLEM },
        },
      },
      '/admin/completions': { post: completionOperation() },
      ...Object.fromEntries(cmdlets.map((cmdlet) => [`/admin/cmdlets/${cmdlet.name}`, { post: operation(cmdlet) }])),
    },
    components: {
      securitySchemes: {
        basic: { type: 'http', scheme: 'basic', description: 'An account that is in a role group; over TLS only.' },
      },
      responses: {
        Problem: {
          description: 'Refused, with the reason in words (RFC 9457).',
          content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
        },
      },
      schemas: schemas(),
    },
  };
}

const nounOf = (cmdlet: Cmdlet): string => cmdlet.name.slice(cmdlet.name.indexOf('-') + 1);

function operation(cmdlet: Cmdlet): Json {
  const required = cmdlet.parameters.filter((one) => one.required === true).map((one) => one.name);
  const properties: Record<string, Json> = {};
  for (const parameter of cmdlet.parameters) properties[parameter.name] = parameterSchema(parameter);
  for (const { name, help } of commonParameters(cmdlet)) properties[name] = { type: 'boolean', description: help };
  const examples = cmdlet.examples.map(({ line, says }) => `- \`${line}\`: ${says}`);
  return {
    operationId: cmdlet.name,
    tags: [nounOf(cmdlet)],
    summary: cmdlet.synopsis,
    description: [
      ...(cmdlet.description === undefined ? [] : [cmdlet.description]),
      `Role groups: ${cmdlet.roles.join(', ')}.`,
      ...(examples.length === 0 ? [] : [`In the shell:\n\n${examples.join('\n')}`]),
    ].join('\n\n'),
    'x-penfold-roles': cmdlet.roles,
    requestBody: {
      required: required.length > 0,
      content: {
        'application/json': {
          schema: { type: 'object', properties, ...(required.length === 0 ? {} : { required }) },
        },
      },
    },
    responses: {
      '200': outputResponse(cmdlet),
      ...(cmdlet.changes
        ? {
            '409': {
              description:
                'A dangerous change, with code CONFIRMATION-NEEDED: send it again with "Confirm": false. Or something with this name exists, or is in use.',
              content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
            },
          }
        : {}),
      default: PROBLEM,
    },
  };
}

function outputResponse(cmdlet: Cmdlet): Json {
  const columns = cmdlet.columns.length === 0 ? '' : ` Main properties: ${cmdlet.columns.join(', ')}.`;
  return {
    description: `What comes out.${columns}`,
    content: {
      'application/json': { schema: { $ref: '#/components/schemas/Output' } },
      'application/x-ndjson': { schema: { $ref: '#/components/schemas/OutputLine' } },
    },
  };
}

function parameterSchema(parameter: Parameter<unknown>): Json {
  const { type } = parameter;
  const notes: Record<string, Json> = {
    description: `${parameter.help} Must be ${type.accepts}.`,
    'x-penfold-type': type.kind,
    ...(parameter.secret === true ? { format: 'password', writeOnly: true } : {}),
  };
  if (isListType(type)) {
    const items: Json = { type: ['string', 'number', 'boolean'] };
    const list: Json = { type: 'array', items };
    const edit: Json = {
      type: 'object',
      properties: { Add: list, Remove: list },
      additionalProperties: false,
      description: 'Changes what is set.',
    };
    return {
      ...notes,
      oneOf: [list, edit, { type: 'string', description: 'Values with commas between.' }, { type: 'null' }],
    };
  }
  if (parameter.isSwitch === true || type.kind === 'Boolean') return { ...notes, type: 'boolean' };
  if (type.kind === 'Int32') return { ...notes, type: 'integer', ...rangeOf(type.accepts) };
  if (type.choices !== null) return { ...notes, type: 'string', enum: type.choices };
  return { ...notes, type: ['string', 'number'] };
}

/** `1–100 things`: whole numbers say their range first (directory/settings/value-types.ts). */
function rangeOf(accepts: string): { readonly [key: string]: Json } {
  const [, least, most] = /^(\d+)–(\d+)/.exec(accepts) ?? [];
  return least === undefined || most === undefined ? {} : { minimum: Number(least), maximum: Number(most) };
}

function jsonResponse(description: string, schema: Json): Json {
  return { description, content: { 'application/json': { schema } } };
}

function documentOperation(): Json {
  return {
    operationId: 'getDocument',
    summary: 'This document.',
    responses: { '200': jsonResponse('OpenAPI 3.1', { type: 'object' }), default: PROBLEM },
  };
}

function completionOperation(): Json {
  const text: Json = { type: 'string' };
  return {
    operationId: 'complete',
    summary: 'Values for a parameter that begin as typed.',
    requestBody: {
      required: true,
      content: {
        'application/json': {
          schema: {
            type: 'object',
            properties: { cmdlet: text, parameter: text, typed: text },
            required: ['cmdlet', 'parameter', 'typed'],
          },
        },
      },
    },
    responses: { '200': jsonResponse('Values', { type: 'array', items: text }), default: PROBLEM },
  };
}

function schemas(): Json {
  const text: Json = { type: 'string' };
  return {
    Quantity: {
      type: 'object',
      description: 'A number that people read with a unit; value null: unlimited.',
      properties: { text, value: { type: ['number', 'null'] } },
      required: ['text', 'value'],
    },
    Cell: {
      anyOf: [
        { type: ['string', 'number', 'boolean', 'null'] },
        { $ref: '#/components/schemas/Quantity' },
        { type: 'array', items: { $ref: '#/components/schemas/Cell' } },
      ],
    },
    Object: { type: 'object', additionalProperties: { $ref: '#/components/schemas/Cell' } },
    Problem: {
      type: 'object',
      properties: {
        type: text,
        title: text,
        status: { type: 'integer' },
        detail: text,
        code: text,
        what: { type: 'string', description: 'With CONFIRMATION-NEEDED: what would be done.' },
      },
      required: ['type', 'title', 'status', 'detail', 'code'],
    },
    Output: {
      type: 'object',
      properties: {
        objects: { type: 'array', items: { $ref: '#/components/schemas/Object' } },
        warnings: { type: 'array', items: text },
        problem: { $ref: '#/components/schemas/Problem', description: 'Only when it broke off.' },
      },
      required: ['objects', 'warnings'],
    },
    OutputLine: {
      type: 'object',
      description: 'One of these a line; the last one is end, error or question.',
      properties: {
        object: { $ref: '#/components/schemas/Object' },
        warning: text,
        progress: {
          type: 'object',
          properties: { done: { type: 'number' }, total: { type: ['number', 'null'] }, activity: text },
        },
        question: text,
        error: { type: 'object', properties: { code: text, text } },
        end: { const: true },
      },
    },
  };
}
