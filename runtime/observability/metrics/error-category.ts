/** The label `category` of an error's code. */
export const categoryOf = (code: string): string =>
  categories.find(([start]) => code.startsWith(start))?.[1] ?? "common";

const categories = [
  ["ERR_STATE", "state"],
  ["ERR_NOT_SUPPORTED_STATE", "state"],
  ["ERR_SECRET", "secret"],
  ["ERR_PERMISSION_DENIED", "secret"],
  ["ERR_INVOKE_OUTPUT_BINDING", "binding"],
  ["ERR_DIRECT_INVOKE", "service-invocation"],
  ["ERR_PUBSUB", "pubsub"],
  ["ERR_CONFIGURATION", "configuration"],
  ["ERR_LOCK", "lock"],
  ["ERR_CRYPTO", "crypto"],
  ["ERR_CONVERSATION", "conversation"],
  ["ERR_ACTOR", "actor"],
  ["ERR_HEALTH", "healthz"],
  ["ERR_OUTBOUND_HEALTH", "healthz"],
  ["DAPR_SCHEDULER", "job"],
] as const;
