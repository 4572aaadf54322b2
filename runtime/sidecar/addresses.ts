/** Where the sidecar listens, and where others reach it. */
import { networkInterfaces } from "node:os";
import type { Flags } from "../flags.ts";
import type { SidecarOptions } from "./options.ts";

/** This machine's address as others see it; loopback where there is no network. */
export const hostAddress = (env: SidecarOptions["env"]): string =>
  env["DAPR_HOST_IP"] ||
  Object.values(networkInterfaces())
    .flat()
    .find((one) => one && !one.internal && one.family === "IPv4")?.address ||
  "127.0.0.1";

/** As Node takes it: all interfaces, IPv6 and IPv4, or what of them there is. */
export const anyAddress = "";

/** `[::1],127.0.0.1` → as Node takes them. */
export const listedAddresses = (flags: Flags): string[] =>
  flags["dapr-listen-addresses"]
    .split(",")
    .map((address) => address.trim().replace(/^\[(.*)\]$/, "$1"))
    .filter(Boolean);

/**
 * Where other sidecars call in: this machine alone, unless told otherwise (there is no mutual TLS yet);
 * in a cluster they call the pod's address.
 */
export const peerAddresses = (flags: Flags): string[] => [
  flags["dapr-internal-grpc-listen-address"] ||
    (flags.mode === "kubernetes"
      ? anyAddress
      : (listedAddresses(flags)[0] ?? "127.0.0.1")),
];

/** Where others reach what listens on `address`. */
export const reachableAddress = (
  address: string,
  env: SidecarOptions["env"],
) => (/^(0\.0\.0\.0|\[?::\]?|\*|)$/.test(address) ? hostAddress(env) : address);

const loopback = ["127.0.0.1", "::1"];

export const usualAddresses = (flags: Flags): string[] => {
  const listed = listedAddresses(flags);
  return listed.length > 0 ? listed : loopback;
};
