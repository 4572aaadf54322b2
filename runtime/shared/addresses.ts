/** Addresses to listen on, as flags give them and as others reach them. */

/** `[::1],127.0.0.1` → as Node takes them. */
export const parseAddresses = (text: string): string[] =>
  text
    .split(",")
    .map((address) => address.trim().replace(/^\[(.*)\]$/, "$1"))
    .filter(Boolean);

/** Whether only this machine reaches it. */
export const isLoopback = (address: string): boolean =>
  /^(127\.|::1$|localhost$)/.test(address);

/** Whether it stands for all of this machine's addresses. */
export const isWildcard = (address: string): boolean =>
  /^(0\.0\.0\.0|::|\*|)$/.test(address);

/** `127.0.0.1:3500`, `[::1]:3500` */
export const withPort = (address: string, port: number): string =>
  `${address.includes(":") ? `[${address}]` : address}:${port}`;
