/** Methods of the original's blocks that this version does not have yet. */
import { ApiError } from "../../contracts/errors.ts";
import type { ServeCall } from "../../net/grpc/server.ts";
import { failCall } from "./errors.ts";
import type { Methods } from "./method.ts";

/** By block: its methods, as far as their names begin. Each also ends in Alpha1, Alpha2 or Beta1. */
const blocks: Record<string, readonly string[]> = {
  "subscribing by a stream": ["SubscribeTopicEvents"],
  configuration: [
    "GetConfiguration",
    "SubscribeConfiguration",
    "UnsubscribeConfiguration",
  ],
  "the distributed lock": ["TryLock", "Unlock"],
  cryptography: ["Encrypt", "Decrypt", "Subtle"],
  jobs: ["ScheduleJob", "GetJob", "DeleteJob", "ListJobs"],
  conversation: ["Converse"],
  workflow: [
    "StartWorkflow",
    "GetWorkflow",
    "PurgeWorkflow",
    "TerminateWorkflow",
    "PauseWorkflow",
    "ResumeWorkflow",
    "RaiseEventWorkflow",
  ],
  actors: [
    "InvokeActor",
    "GetActor",
    "ExecuteActorStateTransaction",
    "RegisterActor",
    "UnregisterActor",
    "ListActorReminders",
    "SubscribeActorEvents",
  ],
};

const plurals: ReadonlySet<string> = new Set(["jobs", "actors"]);

/** For the methods of Dapr's service that `served` lacks. */
export function methodsToCome(
  names: readonly string[],
  served: Methods,
): Methods {
  const methods: Methods = {};
  for (const name of names) {
    if (name in served) continue;
    const found = Object.entries(blocks).find(([, beginnings]) =>
      beginnings.some((beginning) => name.startsWith(beginning)),
    );
    methods[name] = notHere(found?.[0] ?? name);
  }
  return methods;
}

/** Workers of workflows speak a service of its own, which has no package. */
export const isOfWorkflows = (path: string): boolean =>
  path.startsWith("/TaskHubSidecarService/");

export const notHere =
  (what: string): ServeCall =>
  (call) =>
    failCall(
      call,
      new ApiError("notInThisVersion", [
        `${what} ${plurals.has(what) ? "are" : "is"}`,
      ]),
    );
