/** Two sidecars of one kind: the caller, which has no app, and the callee, which has one. */
import { startWith, type Bench } from "./bench.ts";
import { nowUs } from "./child.ts";
import { get } from "./loopback.ts";
import type { Sidecar, StartOptions, Target } from "./sidecar.ts";

export interface Peers {
  caller: Sidecar;
  callee: Sidecar;
  /** From the moment both are ready to the first call that succeeds. This includes name resolution. */
  firstAnswerMs: number;
  stop(): Promise<void>;
}

export const invokePath = (callee: Sidecar, method: string) =>
  `/v1.0/invoke/${callee.appId}/method/${method}`;

/** The path of a call to the bench app's `/echo`, which gives back the body. */
export const echoPath = (callee: Sidecar) => invokePath(callee, "echo");

export async function startPeers(
  bench: Bench,
  target: Target,
  more: Partial<StartOptions> = {},
): Promise<Peers> {
  const callee = await startWith(bench, target, undefined, true, more);
  const caller = await startWith(bench, target, undefined, false, {
    ...more,
    appPort: undefined,
  });
  const answeredAtUs = await untilAnswered(caller, echoPath(callee));
  return {
    caller,
    callee,
    firstAnswerMs:
      (answeredAtUs - Math.max(caller.readyAtUs, callee.readyAtUs)) / 1000,
    async stop() {
      await caller.stop();
      await callee.stop();
    },
  };
}

/** Resolves with the time of the first 200. Calls may fail until the app is found. */
export async function untilAnswered(
  { httpPort, appId }: Sidecar,
  path: string,
): Promise<number> {
  const giveUpAtUs = nowUs() + 30e6;
  for (;;) {
    const status = await get(httpPort, path);
    if (status === 200) return nowUs();
    if (nowUs() > giveUpAtUs)
      throw new Error(
        `bench: ${path} through ${appId} does not answer within 30 s; the last status was ${status}`,
      );
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
