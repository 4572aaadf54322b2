/** The service invocation building block: who is meant, who may, and how it is reached (spec api §4). */
import type { AccessControl } from "../configuration.ts";
import type { AppChannel } from "../contract.ts";
import {
  CallError,
  type ForwardReply,
  type ForwardRequest,
  type Peers,
} from "../invocation.ts";
import type { Logger } from "../log.ts";
import type { NameResolver } from "../name-resolver.ts";

export interface InvocationOptions {
  appId: string;
  /** `NAMESPACE`, else `default`. */
  namespace: string;
  app: AppChannel | undefined;
  /** Whether the app is to be called; false while its health probe fails. */
  isAppHealthy: () => boolean;
  /** Asked in order. */
  resolvers: NameResolver[];
  peers: Peers;
  accessControl: AccessControl | undefined;
  log: Logger;
}

export type Invocation = ReturnType<typeof createInvocation>;

export function createInvocation(_options: InvocationOptions) {
  return {
    /** A call of this sidecar's own caller. Rejects with the documented ApiError. */
    async invoke(
      _target: string,
      _request: ForwardRequest,
    ): Promise<ForwardReply> {
      throw new CallError("unimplemented", "not built yet");
    },

    /** A call that another sidecar passed on: access control, then the app. Rejects with {@link CallError}. */
    async receive(_request: ForwardRequest): Promise<ForwardReply> {
      throw new CallError("unimplemented", "not built yet");
    },
  };
}
