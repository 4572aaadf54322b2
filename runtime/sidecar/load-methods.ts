/** What the gRPC API serves, loaded when somebody calls. */
import type { Methods } from "../api/grpc/method.ts";
import type { Operations } from "../api/operations.ts";
import type { Invocation } from "../blocks/invocation/invocation.ts";
import type { Kinds } from "./kinds.ts";

export async function loadMethods(
  kinds: Kinds,
  invocation: Invocation,
  operations: Operations,
  maxBodyBytes: number,
): Promise<Methods> {
  const [ofKinds, { invokeMethods }, { operationMethods }] = await Promise.all([
    kinds.methods(),
    import("../api/grpc/invoke.ts"),
    import("../api/grpc/operations.ts"),
  ]);
  return {
    ...ofKinds,
    ...invokeMethods(invocation, maxBodyBytes),
    ...operationMethods(operations),
  };
}
