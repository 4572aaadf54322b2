/** Headers of a block's answer as metadata. */
import type { Metadata } from "../../net/grpc/metadata.ts";

/** Leaves out what metadata can't carry. */
export function sendable(headers: Readonly<Record<string, string>>): Metadata {
  const metadata: Metadata = {};
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    if (isName(lower) && /^[ -~]*$/.test(value)) metadata[lower] = value;
  }
  return metadata;
}

/** No name that gRPC or HTTP/2 keep for themselves, nor one whose value would be bytes. */
const isName = (lower: string) =>
  /^[0-9a-z_.-]+$/.test(lower) &&
  !/^(?:grpc-|(?:content-type|te|user-agent|connection|host)$)|-bin$/.test(
    lower,
  );
