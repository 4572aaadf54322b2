/** Texts of a block's answer as metadata. */
import {
  isMetadataName,
  isMetadataText,
  type Metadata,
} from "../../net/grpc/metadata.ts";
import { isBinaryName } from "../../shared/binary-names.ts";

/** Leaves out what metadata can't carry. A name that ends in `-bin` can carry any text, as bytes. */
export function sendable(headers: Readonly<Record<string, string>>): Metadata {
  const metadata: Metadata = {};
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    if (!isMetadataName(lower)) continue;
    if (isBinaryName(lower)) metadata[lower] = Buffer.from(value);
    else if (isMetadataText(value)) metadata[lower] = value;
  }
  return metadata;
}
