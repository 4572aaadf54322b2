/** `host:port` and `[v6]:port`, as addresses are written. */
import { isIP } from "node:net";

/** A name or an IP address; nothing that could contain a login or a setting. */
export const isHost = (text: string): boolean =>
  isIP(text) !== 0 || /^[\p{L}\p{N}_][\p{L}\p{N}_.-]{0,252}$/u.test(text);

/** The port is undefined if there is none. Throws if it is no address. */
export function parseHostPort(text: string): {
  host: string;
  port: number | undefined;
} {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]/\s]+))(?::(\d{1,5}))?$/.exec(
    text,
  );
  const port = match?.[3] === undefined ? undefined : Number(match[3]);
  if (!match || (port !== undefined && (port < 1 || port > 65_535)))
    throw new Error(`"${text}" is not an address such as host:50002`);
  return { host: (match[1] ?? match[2])!, port };
}

export const formatHostPort = (host: string, port: number): string =>
  host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;

/** A part of a host's name between dots. It has only characters that no resolver replaces, as `。` would become a dot. */
export const isLabel = (text: string): boolean =>
  /^[A-Za-z0-9_-]{1,63}$/.test(text);
