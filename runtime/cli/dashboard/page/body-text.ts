/** Bodies as a reader sees them. */
import type { Body } from "../../../shared/watch-event.ts";
import { printable } from "../../printable.ts";

/** JSON gets lines and blanks, all else stays as it is. Control characters are escaped. */
export function pretty(text: string): string {
  try {
    return printable(JSON.stringify(JSON.parse(text), null, 2));
  } catch {
    return printable(text); // it is no JSON, or a part of some
  }
}

/** One line about a body: its type, its length, what is left out. */
export function aboutBody({
  contentType,
  bytes,
  isCut,
  hidden,
  base64,
}: Body): string {
  const parts = [bytes === 1 ? "1 byte" : `${bytes} bytes`];
  if (contentType) parts.unshift(printable(contentType));
  if (hidden) parts.push("not shown");
  else if (isCut) parts.push("the first 4 KiB are shown");
  if (base64 !== undefined) parts.push("as base64");
  return parts.join(", ");
}

/** What is shown of a body; empty if it is empty. */
export const bodyText = ({ text, base64, hidden }: Body): string =>
  hidden !== undefined
    ? printable(hidden)
    : text === undefined
      ? (base64 ?? "")
      : pretty(text);

const statusTexts: Record<number, string> = {
  200: "OK",
  201: "Created",
  202: "Accepted",
  204: "No Content",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  409: "Conflict",
  413: "Content Too Large",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

/** `404 Not Found` */
export const statusText = (status: number): string =>
  [status, statusTexts[status]].filter(Boolean).join(" ");
