/**
 * JMAP from the browser (RFC 8620 §3, §6): calls made in the same moment travel in one request for each account; calls
 * that refer to each other's answers are made `together`. Knows no method by name and no React.
 */
import * as v from 'valibot';
import { ConnectionLost, MethodRefused, RequestRefused, SetRefused, SignedOut } from './errors.ts';
import type { Method, MethodArguments, SetAnswer } from './method.ts';
import { CAPABILITIES, OWN_REQUEST, type Session } from './session.ts';

/** A call on its way within `together`. */
export interface PendingCall<Answer> {
  readonly answer: Promise<Answer>;
  /** For `'#ids': query.ref('/ids')`. */
  ref(path: string): { readonly resultOf: string; readonly name: string; readonly path: string };
}

export type CallOnce = <Answer>(method: Method<Answer>, args: MethodArguments) => PendingCall<Answer>;

interface Waiting {
  readonly capability: string;
  readonly name: string;
  readonly args: MethodArguments;
  readonly settle: (answer: unknown) => void;
  readonly fail: (reason: unknown) => void;
}

export interface UploadedBlob {
  readonly blobId: string;
  readonly type: string;
  readonly size: number;
}

const responseSchema = v.object({
  methodResponses: v.array(v.tuple([v.string(), v.looseObject({}), v.string()])),
  sessionState: v.string(),
});
const refusalSchema = v.looseObject({ type: v.string(), description: v.optional(v.nullable(v.string())) });
const problemSchema = v.looseObject({ detail: v.optional(v.string()) });
const uploadSchema = v.object({ blobId: v.string(), type: v.string(), size: v.number() });

export class JmapClient {
  readonly session: Session;
  /** The session is over; told once. */
  readonly #onSignedOut: () => void;
  /** The server's session is another one now (accounts, rights). */
  readonly #onSessionChange: () => void;
  readonly #waiting = new Map<string, Waiting[]>();

  constructor(session: Session, events: { readonly onSignedOut: () => void; readonly onSessionChange: () => void }) {
    this.session = session;
    this.#onSignedOut = events.onSignedOut;
    this.#onSessionChange = events.onSessionChange;
  }

  /** @throws MethodRefused, RequestRefused, SignedOut, ConnectionLost */
  call<Answer>(method: Method<Answer>, args: MethodArguments): Promise<Answer> {
    const { promise, waiting } = awaited(method, args);
    const account = args.accountId ?? '';
    const batch = this.#waiting.get(account);
    if (batch !== undefined) {
      batch.push(waiting);
      return promise;
    }
    const fresh = [waiting];
    this.#waiting.set(account, fresh);
    queueMicrotask(() => {
      this.#waiting.delete(account);
      const most = this.session.capabilities[CAPABILITIES.core].maxCallsInRequest;
      for (let from = 0; from < fresh.length; from += most) void this.#send(fresh.slice(from, from + most));
    });
    return promise;
  }

  /** One request of its own, in the order of the calls: they may refer to answers of earlier ones. */
  async together<Result>(make: (call: CallOnce) => Promise<Result>): Promise<Result> {
    const batch: Waiting[] = [];
    const result = make((method, args) => {
      const { promise, waiting } = awaited(method, args);
      const resultOf = String(batch.length);
      batch.push(waiting);
      return { answer: promise, ref: (path) => ({ resultOf, name: method.name, path }) };
    });
    await Promise.all([this.#send(batch), result.catch(() => {})]);
    return result;
  }

  /** `progress` from 0 to 1. @throws RequestRefused, SignedOut, ConnectionLost; AbortError */
  upload(
    accountId: string,
    body: Blob,
    options: { readonly progress?: (part: number) => void; readonly signal?: AbortSignal } = {},
  ): Promise<UploadedBlob> {
    const { promise, resolve, reject } = Promise.withResolvers<UploadedBlob>();
    const request = new XMLHttpRequest();
    request.open('POST', this.session.uploadUrl.replace('{accountId}', encodeURIComponent(accountId)));
    for (const [name, value] of Object.entries(OWN_REQUEST)) request.setRequestHeader(name, value);
    request.setRequestHeader('content-type', body.type === '' ? 'application/octet-stream' : body.type);
    request.upload.onprogress = ({ loaded, total }) => options.progress?.(total === 0 ? 1 : loaded / total);
    request.onerror = () => reject(new ConnectionLost('upload'));
    request.onabort = () => reject(new DOMException('the upload was cancelled', 'AbortError'));
    request.onload = () => {
      if (request.status === 401) {
        this.#onSignedOut();
        reject(new SignedOut());
      } else if (request.status >= 200 && request.status < 300) {
        resolve(v.parse(uploadSchema, JSON.parse(request.responseText)));
      } else reject(new RequestRefused(request.status, detailOf(request.responseText)));
    };
    options.signal?.addEventListener('abort', () => request.abort(), { once: true });
    request.send(body);
    return promise;
  }

  downloadUrl(accountId: string, blobId: string, name: string, type = 'application/octet-stream'): string {
    return (
      this.session.downloadUrl
        .replace('{accountId}', encodeURIComponent(accountId))
        .replace('{blobId}', encodeURIComponent(blobId))
        // Half a character, as broken mail has it in names of files, is no address.
        .replace('{name}', encodeURIComponent(name === '' ? 'attachment' : name.toWellFormed()))
        .replace('{type}', encodeURIComponent(type))
    );
  }

  async #send(batch: readonly Waiting[]): Promise<void> {
    try {
      const using = new Set([CAPABILITIES.core, ...batch.map(({ capability }) => capability)]);
      const methodCalls = batch.map(({ name, args }, at) => [name, args, String(at)]);
      const answers = await this.#post(JSON.stringify({ using: [...using], methodCalls }));
      for (const [name, args, callId] of answers) {
        const waiting = batch[Number(callId)];
        if (name !== 'error') {
          // The first answer is the method's own; what a method says besides (EmailSubmission) comes behind it.
          waiting?.settle(args);
          continue;
        }
        const { type, description, ...facts } = v.parse(refusalSchema, args);
        waiting?.fail(new MethodRefused(type, description ?? type, facts));
      }
      for (const waiting of batch) waiting.fail(new MethodRefused('serverFail', 'the server left out an answer'));
    } catch (reason) {
      for (const waiting of batch) waiting.fail(reason);
    }
  }

  async #post(body: string): Promise<v.InferOutput<typeof responseSchema>['methodResponses']> {
    let answer: Response;
    try {
      answer = await fetch(this.session.apiUrl, {
        method: 'POST',
        headers: { ...OWN_REQUEST, 'content-type': 'application/json' },
        body,
      });
    } catch (reason) {
      throw new ConnectionLost(reason);
    }
    if (answer.status === 401) {
      this.#onSignedOut();
      throw new SignedOut();
    }
    if (answer.status === 502 || answer.status === 503 || answer.status === 504)
      throw new ConnectionLost(answer.status);
    if (!answer.ok) throw new RequestRefused(answer.status, detailOf(await answer.text()));
    const { methodResponses, sessionState } = v.parse(responseSchema, await answer.json());
    if (sessionState !== this.session.state) this.#onSessionChange();
    return methodResponses;
  }
}

function awaited<Answer>(
  method: Method<Answer>,
  args: MethodArguments,
): { readonly promise: Promise<Answer>; readonly waiting: Waiting } {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  return {
    promise,
    waiting: {
      capability: CAPABILITIES[method.capability],
      name: method.name,
      args,
      settle: (answer) => {
        try {
          resolve(method.read(answer));
        } catch (reason) {
          reject(reason);
        }
      },
      fail: reject,
    },
  };
}

function detailOf(text: string): string {
  try {
    return v.parse(problemSchema, JSON.parse(text)).detail ?? text;
  } catch {
    return text.slice(0, 300);
  }
}

/** Nothing of a /set was refused, or it is thrown. @throws SetRefused the first refusal */
export function allSet(answer: SetAnswer): SetAnswer {
  for (const refused of [answer.notCreated, answer.notUpdated, answer.notDestroyed])
    for (const { type, description, properties } of Object.values(refused ?? {}))
      throw new SetRefused(type, description ?? type, properties ?? []);
  return answer;
}
