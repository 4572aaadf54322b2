/** The way to one sidecar, in the protocol that its address was found to speak. */
import type { ForwardReply, PeerRequest } from "../contracts/invocation.ts";

export interface Way {
  call(request: PeerRequest): Promise<ForwardReply>;
  /** Whether it is true what was found: there are connections that tell it, or it was not used yet. */
  isTrue(): boolean;
  /** No more calls come; those under way end well. */
  leave(): void;
  /** Calls under way end at once. */
  close(): void;
}
