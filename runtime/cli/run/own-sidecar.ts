/**
 * Whether who listens on a port is this run's own sidecar. Two runs may be given one port at the same time: then the
 * sidecar of one of them listens there, and the other one's waits for the port and ends.
 */
import { isAnswerOf } from "../instances/instances.ts";
import { getMetadata, StatusError } from "../instances/sidecar-http.ts";
import { addressOf } from "./app-spec.ts";
import type { AppSpec } from "./app-spec.ts";
import { tryConnect } from "./ready.ts";
import type { SidecarProcess } from "./start-sidecar.ts";

interface Started {
  spec: AppSpec;
  sidecar: Pick<SidecarProcess, "isListening">;
}

/** Resolves with nothing once this run's own sidecar listens at `target`, a port or a socket's path. */
export async function whyNotOwn(
  { sidecar, spec }: Started,
  target: number | string,
): Promise<Error | undefined> {
  const isListening = sidecar.isListening();
  if (isListening) return undefined;
  const error = await tryConnect(target);
  if (error) return error;
  return isListening === false ? notOurs() : foreign(spec);
}

const notOurs = () => new Error("another program listens there");

/** Another sidecar than this kit's is known by what it answers. Its HTTP API is the last of its two to listen. */
async function foreign(spec: AppSpec): Promise<Error | undefined> {
  try {
    const metadata = await getMetadata(addressOf(spec));
    // No CLI has told it yet, or this one has.
    return isAnswerOf(metadata, spec["app-id"], [0, process.pid])
      ? undefined
      : notOurs();
  } catch (error) {
    // A Configuration may deny this API. Then it can't be known whose it is.
    return error instanceof StatusError ? undefined : (error as Error);
  }
}
