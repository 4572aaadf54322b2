/** Addresses to listen on, as flags write them and as others reach them. */

/** Splits `[::1],127.0.0.1` into addresses for Node. */
export const parseAddresses = (text: string): string[] =>
  text
    .split(",")
    .map((address) => address.trim().replace(/^\[(.*)\]$/, "$1"))
    .filter(Boolean);

/** Whether only this machine can reach it. */
export const isLoopback = (address: string): boolean =>
  /^(127\.|::1$|localhost$)/.test(address);

/** Whether it stands for all of this machine's addresses. */
export const isWildcard = (address: string): boolean =>
  /^(0\.0\.0\.0|::|\*|)$/.test(address);

/** `127.0.0.1:3500`, `[::1]:3500` */
export const withPort = (address: string, port: number): string =>
  `${address.includes(":") ? `[${address}]` : address}:${port}`;
