/**
 * gRPC calls that are passed on, with the policies of a Resiliency around. A call that got no message back may be passed on
 * anew as long as its request is short; of a stream (`dapr-stream: true`) only the beginning is tried again.
 */
import { CallError, grpcCodeOfKind } from "../../contracts/invocation.ts";
import type {
  ProxiedCall,
  ProxiedMetadata,
} from "../../contracts/proxied-call.ts";
import { isTruthy } from "../../shared/units.ts";
import { runWith, type Failure, type Policy } from "./runner.ts";

/** How a try ended. `tell` passes the end on to the caller, who knows nothing of it yet. */
interface End {
  code: number;
  tell?: () => void;
}

/** Settles as `Proxy` does. A request of more than `keptBytes` is not passed on anew. */
export async function proxyWith(
  policy: Policy,
  call: ProxiedCall,
  pass: (call: ProxiedCall) => Promise<void>,
  keptBytes: number,
): Promise<void> {
  if (isStream(call.proxied)) return beginWith(policy, call, pass);
  const hasRetries = (policy.retry?.maxRetries ?? 0) > 0;
  if (hasRetries) call.keep(keptBytes);
  const again = (failure: Failure): Failure =>
    hasRetries && call.rewind() ? failure : { ...failure, isFinal: true };
  const end = await runWith(
    policy,
    async (signal) => {
      const one = new Try(call, signal ?? call.signal);
      try {
        await pass(one);
      } finally {
        one.leave();
      }
      return one.end ?? { code: 0 };
    },
    {
      caller: call.signal,
      judge: ({ code }) => (code === 0 ? undefined : again({ code })),
      failureOf: (error) => again(failureOf(error)),
    },
  );
  end.tell?.();
}

/** As its caller says; its path does not tell. */
export function isStream(proxied: ProxiedMetadata): boolean {
  const given = proxied["dapr-stream"];
  return isTruthy(Array.isArray(given) ? given[0] : given);
}

/** Of the trailers: 0, OK, unless they tell another one. */
export const codeOf = ({ "grpc-status": status }: ProxiedMetadata): number =>
  Number(Array.isArray(status) ? status[0] : status) || 0;

function failureOf(error: unknown): Failure {
  if (!(error instanceof CallError)) return {};
  const code = grpcCodeOfKind[error.kind];
  return error.kind === "invalid" ? { code, isFinal: true } : { code };
}

/** Once a stream has begun, neither time nor failures of it are the policy's. */
async function beginWith(
  policy: Policy,
  call: ProxiedCall,
  pass: (call: ProxiedCall) => Promise<void>,
): Promise<void> {
  const over = await runWith(
    policy,
    (signal) =>
      new Promise<{ over: Promise<void> }>((resolve, reject) => {
        const ended = new AbortController();
        for (const one of [signal, call.signal])
          one?.addEventListener("abort", () => ended.abort(one.reason));
        const passing = pass({
          ...passedThrough(call),
          signal: ended.signal,
          readBytes(onBytes, onEnd) {
            call.readBytes(onBytes, onEnd);
            resolve({ over: passing });
          },
        });
        // It may end before it is read from.
        passing.then(() => resolve({ over: passing }), reject);
      }),
    { caller: call.signal, failureOf },
  );
  return over.over;
}

/** The same call, for whoever changes some of it. */
export const passedThrough = (call: ProxiedCall): ProxiedCall => ({
  path: call.path,
  proxied: call.proxied,
  signal: call.signal,
  get leftMs() {
    return call.leftMs;
  },
  readBytes: (onBytes, onEnd) => call.readBytes(onBytes, onEnd),
  keep: (bytes) => call.keep(bytes),
  rewind: () => call.rewind(),
  pause: () => call.pause(),
  resume: () => call.resume(),
  beginWith: (metadata) => call.beginWith(metadata),
  writeBytes: (bytes, done) => call.writeBytes(bytes, done),
  endWith: (trailers) => call.endWith(trailers),
  fail: (error) => call.fail(error),
});

/** One try: an end without any message is kept back, as the next try may end better. */
class Try implements ProxiedCall {
  readonly path: string;
  readonly proxied: ProxiedMetadata;
  readonly signal: AbortSignal;
  end: End | undefined;
  #head: ProxiedMetadata | undefined;
  /** The caller has part of its answer. */
  #isTold = false;
  #isOver = false;
  readonly #call: ProxiedCall;

  constructor(call: ProxiedCall, signal: AbortSignal) {
    this.path = call.path;
    this.proxied = call.proxied;
    this.signal = signal;
    this.#call = call;
    signal.addEventListener("abort", () => this.leave(), { once: true });
  }

  get leftMs(): number | undefined {
    return this.#call.leftMs;
  }

  readBytes(onBytes: (bytes: Buffer) => void, onEnd: () => void): void {
    if (!this.#isOver) this.#call.readBytes(onBytes, onEnd);
  }

  keep(bytes: number): void {
    this.#call.keep(bytes);
  }

  rewind(): boolean {
    if (this.#isOver || this.#isTold) return false;
    this.#head = undefined;
    return this.#call.rewind();
  }

  pause(): void {
    if (!this.#isOver) this.#call.pause();
  }

  resume(): void {
    if (!this.#isOver) this.#call.resume();
  }

  beginWith(metadata: ProxiedMetadata): void {
    this.#head = metadata;
  }

  writeBytes(bytes: Uint8Array, done: () => void): boolean {
    if (this.#isOver) {
      done();
      return true;
    }
    this.#tellHead();
    return this.#call.writeBytes(bytes, done);
  }

  endWith(trailers: ProxiedMetadata): void {
    this.#endAs(codeOf(trailers), () => this.#call.endWith(trailers));
  }

  fail(error: Error): void {
    this.#endAs(codeOfError(error), () => this.#call.fail(error));
  }

  /** Nothing more of it goes either way. */
  leave(): void {
    this.#isOver = true;
  }

  #endAs(code: number, tell: () => void): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (code !== 0 && !this.#isTold) {
      this.end = {
        code,
        tell: () => {
          this.#tellHead();
          tell();
        },
      };
      return;
    }
    this.end = { code };
    this.#tellHead();
    tell();
  }

  #tellHead(): void {
    if (!this.#isTold && this.#head) this.#call.beginWith(this.#head);
    this.#isTold = true;
  }
}

const unknown = 2;

export function codeOfError(error: unknown): number {
  const { code } = error as { code?: unknown };
  if (typeof code === "number") return code;
  return error instanceof CallError ? grpcCodeOfKind[error.kind] : unknown;
}
