/**
 * A few threads that answer requests one at a time, so that nothing long holds the event loop: started when first
 * needed, ended when idle, not keeping the process alive. A request that takes too long, or kills its thread, fails
 * alone; the next one gets a new thread. Knows nothing of what is asked.
 */
import { Worker, type Transferable } from 'node:worker_threads';

export interface ThreadPoolOptions {
  /** A module that answers each message of its parent port with one. */
  readonly module: URL;
  /** Of the threads, for who looks at the process. */
  readonly name: string;
  readonly threads: number;
  /** A thread without work for so long is ended. */
  readonly idleMs: number;
  /** A request that takes longer is taken for a trap, and its thread is ended. */
  readonly limitMs: number;
  readonly heapMb: number;
}

export interface ThreadRequest<Request> {
  readonly request: Request;
  readonly transfer: readonly Transferable[];
}

interface Job<Request, Reply> {
  readonly prepare: () => ThreadRequest<Request>;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (reason: Error) => void;
}

/** One thread with the job it works on. */
interface Thread<Request, Reply> {
  readonly worker: Worker;
  job: Job<Request, Reply> | null;
  timer: NodeJS.Timeout | null;
}

export class ThreadPool<Request, Reply> {
  readonly #options: ThreadPoolOptions;
  readonly #waiting: Array<Job<Request, Reply>> = [];
  readonly #threads: Array<Thread<Request, Reply>> = [];

  constructor(options: ThreadPoolOptions) {
    this.#options = options;
  }

  /** Requests that wait for a thread. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Fails when the thread ended before it answered. `prepare` is called when a thread is free. */
  run(prepare: () => ThreadRequest<Request>): Promise<Reply> {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    this.#waiting.push({ prepare, resolve, reject });
    this.#dispatch();
    return promise;
  }

  /** Ends all threads; what they work on fails. */
  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.worker.terminate()));
  }

  #dispatch(): void {
    while (this.#waiting.length > 0) {
      const idle = this.#threads.find((thread) => thread.job === null) ?? this.#start();
      if (idle === null) return;
      const job = this.#waiting.shift()!;
      if (idle.timer !== null) clearTimeout(idle.timer);
      idle.job = job;
      idle.timer = setTimeout(() => void idle.worker.terminate(), this.#options.limitMs);
      idle.timer.unref();
      // While someone waits for an answer the thread keeps the process alive.
      idle.worker.ref();
      const { request, transfer } = job.prepare();
      idle.worker.postMessage(request, transfer);
    }
  }

  #start(): Thread<Request, Reply> | null {
    const { module, name, threads, heapMb } = this.#options;
    if (this.#threads.length >= threads) return null;
    const worker = new Worker(module, { name, resourceLimits: { maxOldGenerationSizeMb: heapMb } });
    const thread: Thread<Request, Reply> = { worker, job: null, timer: null };
    let cause = new Error(`a thread of ${name} ended`);
    worker.on('message', (reply: Reply) => this.#finish(thread, reply));
    worker.on('error', (error: Error) => {
      cause = error;
    });
    worker.on('exit', () => {
      const at = this.#threads.indexOf(thread);
      if (at >= 0) this.#threads.splice(at, 1);
      if (thread.timer !== null) clearTimeout(thread.timer);
      const { job } = thread;
      thread.job = null;
      job?.reject(cause);
      this.#dispatch();
    });
    this.#threads.push(thread);
    return thread;
  }

  #finish(thread: Thread<Request, Reply>, reply: Reply): void {
    const { job } = thread;
    thread.job = null;
    if (thread.timer !== null) clearTimeout(thread.timer);
    thread.timer = setTimeout(() => this.#retire(thread), this.#options.idleMs);
    thread.timer.unref();
    thread.worker.unref();
    job?.resolve(reply);
    this.#dispatch();
  }

  /** Taken out first: an ending thread must not be given a job. */
  #retire(thread: Thread<Request, Reply>): void {
    this.#threads.splice(this.#threads.indexOf(thread), 1);
    void thread.worker.terminate();
  }
}
