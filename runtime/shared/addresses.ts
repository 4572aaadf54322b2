/** Addresses to listen on, as flags write them and as others reach them. */
import { isIPv4 } from "node:net";

/** Splits `[::1],127.0.0.1` into addresses for Node. */
export const parseAddresses = (text: string): string[] =>
  text
    .split(",")
    .map((address) => address.trim().replace(/^\[(.*)\]$/, "$1"))
    .filter(Boolean);

/** Whether only this machine can reach it. */
export const isLoopback = (address: string): boolean =>
  /^(127\.|::1$|localhost$)/.test(address);

/** Whether a name in lower case can lead to nothing but this machine: no other name, as that could be made to lead anywhere. */
export const isLoopbackName = (name: string): boolean =>
  name === "localhost" ||
  name === "::1" ||
  name === "[::1]" ||
  (isIPv4(name) && name.startsWith("127."));

/** Whether it stands for all of this machine's addresses. */
export const isWildcard = (address: string): boolean =>
  /^(0\.0\.0\.0|::|\*|)$/.test(address);

/** `127.0.0.1:3500`, `[::1]:3500` */
export const withPort = (address: string, port: number): string =>
  `${address.includes(":") ? `[${address}]` : address}:${port}`;
