/** Where the sidecar listens, and where others reach it. */
import { networkInterfaces } from "node:os";
import type { Flags } from "./flags.ts";
import { isLoopback, isWildcard, parseAddresses } from "../shared/addresses.ts";
import type { SidecarOptions } from "./options.ts";

/** This machine's address as others see it; loopback if there is no network. */
export const hostAddress = (env: SidecarOptions["env"]): string =>
  env["DAPR_HOST_IP"] ||
  Object.values(networkInterfaces())
    .flat()
    .find((one) => one && !one.internal && one.family === "IPv4")?.address ||
  "127.0.0.1";

/** All interfaces, as Node takes it: IPv6 and IPv4, as far as the machine has them. */
export const anyAddress = "";

export const listedAddresses = (flags: Flags): string[] =>
  parseAddresses(flags["dapr-listen-addresses"]);

/**
 * Where to listen for other sidecars: for this machine only, unless told otherwise (there is no mutual TLS
 * yet). In a cluster they call the pod's address.
 */
export function peerAddresses(flags: Flags): string[] {
  const own = parseAddresses(flags["dapr-internal-grpc-listen-address"]);
  if (own.length > 0) return own;
  if (flags.mode === "kubernetes") return [anyAddress];
  const listed = listedAddresses(flags);
  return listed.length > 0 ? listed : ["127.0.0.1"];
}

/** Where to listen for probes. */
export function publicAddresses(flags: Flags): string[] {
  const given = parseAddresses(flags["dapr-public-listen-address"]);
  if (given.length > 0) return given;
  // The kubelet probes the pod's address.
  return flags.mode === "kubernetes" ? [anyAddress] : usualAddresses(flags);
}

/** The address by which others reach a listener on these: the one that most of them can reach. */
export function reachableAddress(
  addresses: readonly string[],
  env: SidecarOptions["env"],
): string {
  if (addresses.some(isWildcard)) return hostAddress(env);
  return addresses.find((address) => !isLoopback(address)) ?? addresses[0]!;
}

export const loopback = ["127.0.0.1", "::1"];

export const usualAddresses = (flags: Flags): string[] => {
  const listed = listedAddresses(flags);
  return listed.length > 0 ? listed : loopback;
};
