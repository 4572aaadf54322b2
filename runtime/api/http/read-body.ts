/** Reads and parses the body of a request, in a thread where it is big. */
import { ApiError } from "../../contracts/errors.ts";
import { bodyKinds, type BodyKind, type BodyOf } from "./body-kinds.ts";
import { parseApart } from "./body-thread.ts";
import { BodyError, type ApiRequest } from "./request.ts";

/** Above this the JSON work would be felt by every other request. */
const bigBodyBytes = 128 * 1024;

/** Rejects with {@link ApiError} on a body that is too large, broken off or malformed. */
export async function readBody<K extends BodyKind>(
  request: ApiRequest,
  kind: K,
): Promise<BodyOf<K>> {
  let bytes;
  try {
    bytes = await request.body();
  } catch (error) {
    if (!(error instanceof BodyError)) throw error;
    throw new ApiError(bodyKinds[kind].malformed, [error.message], {
      cause: error,
    });
  }
  return parseBig(bytes, kind) ?? (bodyKinds[kind].parse(bytes) as BodyOf<K>);
}

/** Parses a body that is big, in the thread; undefined for any other. Rejects with {@link ApiError}. */
export const parseBig = <K extends BodyKind>(
  bytes: Buffer,
  kind: K,
): Promise<BodyOf<K>> | undefined =>
  bytes.length > bigBodyBytes ? parseApart(bytes, kind) : undefined;
