/** Why a call of an address outside failed, in words that tell who did not do what. */
import { codeOf } from "../shared/code-of.ts";
import { messageOf } from "../shared/message-of.ts";
import { unresolved } from "../shared/unresolved.ts";

/** `setting` names what holds the address. An error without words here stays as it is. */
export function explainExternal(
  error: unknown,
  origin: string,
  setting: string,
): unknown {
  const say = (text: string) =>
    new Error(`the server at ${origin} ${text}`, { cause: error });
  const unknownHost = unresolved(error, setting);
  if (unknownHost) return say(`can't be reached: ${unknownHost}`);
  if (codeOf(error) === "ECONNREFUSED")
    return say(
      `can't be reached: nothing listens there (${messageOf(error)}); start it, or correct ${setting}`,
    );
  // undici gives it no code.
  if (error instanceof Error && error.name === "HTTPParserError")
    return say(
      `does not answer as HTTP/1.1 does (${messageOf(error)}); name its HTTP port in ${setting}`,
    );
  return error;
}
