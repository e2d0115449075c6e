/**
 * The Request object (RFC 8620 §3.3): read, checked, bounded. What is wrong with the whole of it is a problem document
 * (§3.6.1), not a method error. Pure.
 */
import type { ProblemFacts } from '../problem.ts';
import { isArray, isObject, isStrings, type Json, type JsonObject, property } from './json.ts';

/** Told to clients in the session object (RFC 8620 §2), and held. */
export const JMAP_LIMITS = {
  maxSizeUpload: 150 * 1024 * 1024,
  maxConcurrentUpload: 4,
  maxSizeRequest: 10_000_000,
  maxConcurrentRequests: 8,
  maxCallsInRequest: 32,
  maxObjectsInGet: 1000,
  maxObjectsInSet: 500,
} as const;
/** Values within values; no honest request comes near, and a reader of JSON would not end otherwise. */
export const JSON_DEPTH = 64;
const CALL_ID_CHARACTERS = 256;

export interface Invocation {
  readonly name: string;
  readonly args: JsonObject;
  readonly callId: string;
}

export interface JmapRequest {
  readonly using: readonly string[];
  readonly calls: readonly Invocation[];
  readonly createdIds: ReadonlyMap<string, string> | null;
}

/** A problem document of RFC 8620 §3.6.1. */
export interface RequestProblem extends ProblemFacts {
  readonly type: string;
  /** Which one, by its name in the session. */
  readonly limit?: string;
}

export class RequestRefused extends Error {
  readonly problem: RequestProblem;

  constructor(type: 'notJSON' | 'notRequest' | 'unknownCapability' | 'limit', detail: string, limit?: string) {
    super(detail);
    this.problem = {
      type: `urn:ietf:params:jmap:error:${type}`,
      title: 'Bad Request',
      status: 400,
      detail,
      ...(limit === undefined ? {} : { limit }),
    };
  }
}

/** @throws RequestRefused */
export function readRequest(text: string, capabilities: ReadonlySet<string>): JmapRequest {
  return requestOf(readJson(text), capabilities);
}

/** @throws RequestRefused */
export function readJson(text: string): Json {
  try {
    return parsed(text);
  } catch {
    throw new RequestRefused('notJSON', 'the body is no JSON');
  }
}

/** @throws RequestRefused */
export function requestOf(json: Json, capabilities: ReadonlySet<string>): JmapRequest {
  if (deeperThan(json, JSON_DEPTH)) throw new RequestRefused('notRequest', `values nest deeper than ${JSON_DEPTH}`);
  if (!isObject(json)) throw new RequestRefused('notRequest', 'the body is no JSON object');
  const using = property(json, 'using');
  const calls = property(json, 'methodCalls');
  const createdIds = property(json, 'createdIds');
  if (!isStrings(using)) throw new RequestRefused('notRequest', '"using" must be a list of strings');
  const unknown = using.find((one) => !capabilities.has(one));
  if (unknown !== undefined)
    throw new RequestRefused('unknownCapability', `the capability ${unknown.slice(0, 200)} is not spoken here`);
  if (!isArray(calls)) throw new RequestRefused('notRequest', '"methodCalls" must be a list');
  if (calls.length > JMAP_LIMITS.maxCallsInRequest)
    throw new RequestRefused('limit', `at most ${JMAP_LIMITS.maxCallsInRequest} calls a request`, 'maxCallsInRequest');
  return { using, calls: calls.map(readCall), createdIds: readCreatedIds(createdIds) };
}

function parsed(text: string): Json {
  const json: Json = JSON.parse(text);
  return json;
}

function deeperThan(json: Json, depth: number): boolean {
  if (typeof json !== 'object' || json === null) return false;
  if (depth === 0) return true;
  return Object.values(json).some((inner) => inner !== undefined && deeperThan(inner, depth - 1));
}

function readCall(json: Json): Invocation {
  const [name, args, callId] = isArray(json) ? json : [];
  if (!isArray(json) || json.length !== 3 || typeof name !== 'string' || !isObject(args) || typeof callId !== 'string')
    throw new RequestRefused('notRequest', 'a method call is [name, arguments, call id]');
  if (callId.length > CALL_ID_CHARACTERS)
    throw new RequestRefused('notRequest', `a call id has at most ${CALL_ID_CHARACTERS} characters`);
  return { name, args, callId };
}

function readCreatedIds(json: Json | undefined): ReadonlyMap<string, string> | null {
  if (json === undefined || json === null) return null;
  const ids = new Map<string, string>();
  for (const [creation, id] of isObject(json) ? Object.entries(json) : [['', null] as const]) {
    if (typeof id !== 'string') throw new RequestRefused('notRequest', '"createdIds" must map ids to ids');
    ids.set(creation, id);
  }
  return ids;
}
