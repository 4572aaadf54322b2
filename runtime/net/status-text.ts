/** The words of an HTTP status, as Go has them. */
import { STATUS_CODES } from "node:http";

/** Where Node's differ. */
const others: Record<number, string> = {
  413: "Request Entity Too Large",
  414: "Request URI Too Long",
  416: "Requested Range Not Satisfiable",
  418: "I'm a teapot",
};

/** Empty for a status without words. */
export const statusText = (status: number): string =>
  others[status] ?? STATUS_CODES[status] ?? "";
