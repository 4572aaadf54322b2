/** One port for two listeners, found before the sidecar would wait for the second one. */
import { isWildcard, parseAddresses } from "../shared/addresses.ts";
import { peerAddresses, publicAddresses, usualAddresses } from "./addresses.ts";
import type { Flags } from "./flags.ts";

/** What to say of the first two that can't both be had; undefined if there are none. */
export function portClash(flags: Flags): string | undefined {
  const taken: { flag: string; port: number; addresses: string[] }[] = [];
  for (const [flag, addresses] of [
    ["app-port", parseAddresses(flags["app-channel-address"])],
    ["dapr-http-port", usualAddresses(flags)],
    ["dapr-grpc-port", usualAddresses(flags)],
    ["dapr-internal-grpc-port", peerAddresses(flags)],
    ["dapr-public-port", publicAddresses(flags)],
  ] as const) {
    const port = flags[flag];
    const other = taken.find(
      (one) => one.port === port && overlap(one.addresses, addresses),
    );
    if (port > 0 && other)
      return `${other.flag} and ${flag} are both ${port}; they must differ`;
    taken.push({ flag, port, addresses });
  }
  return undefined;
}

const overlap = (some: readonly string[], others: readonly string[]) => {
  const taken = new Set(some.flatMap(numbers));
  return (
    [...some, ...others].some(isWildcard) ||
    others.flatMap(numbers).some((address) => taken.has(address))
  );
};

const numbers = (address: string) =>
  address === "localhost" ? ["127.0.0.1", "::1"] : [address];
