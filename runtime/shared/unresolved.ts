/** What to say of a host name without an address. */
import { messageOf } from "./message-of.ts";

/** Undefined for any other error. `setting` names what holds the host. */
export const unresolved = (
  error: unknown,
  setting: string,
): string | undefined =>
  /^(ENOTFOUND|EAI_AGAIN)$/.test(
    String((error as { code?: unknown }).code ?? ""),
  )
    ? `the host name does not resolve (${messageOf(error)}); correct ${setting}, or look at the name server`
    : undefined;
