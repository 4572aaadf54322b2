/** The words of whatever was thrown. */

/** Node recommends a flag of its own; the sidecar has other ways. */
const nodeAdvice =
  "if the root CA is installed locally, try running Node.js with --use-system-ca";
const ourAdvice =
  "name its authority in SSL_CERT_FILE, or in the component or endpoint";

/** A readable message from anything that was thrown. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.message) return error.message.replace(nodeAdvice, ourAdvice);
  const inner = (error as AggregateError).errors?.[0];
  return inner
    ? messageOf(inner)
    : ((error as { code?: string }).code ?? error.name);
}
