/** Whether sidecars of several machines can find each other by mDNS. A VPN often takes its packets. */
import { createSocket } from "node:dgram";
import { networkInterfaces } from "node:os";
import { delay } from "../../shared/timers.ts";
import { note, ok, warning, type Finding } from "./finding.ts";

const group = "224.0.0.251";
/** A packet that stays on this machine takes less than a millisecond. */
const patienceMs = 2000;

export async function checkDiscovery(): Promise<Finding[]> {
  const vpns = Object.keys(networkInterfaces()).filter(isVpn);
  const through = vpns.length > 0 ? ` (a VPN is up: ${vpns.join(", ")})` : "";
  const problem = await whyNoMulticast();
  if (!problem)
    return [
      vpns.length === 0
        ? ok(
            "Multicast works, by which sidecars of several machines find each other",
          )
        : note(
            `Multicast works on this machine${through}; if sidecars of another machine are not found, end the VPN`,
          ),
    ];
  return [
    warning(
      `Multicast does not work here${through}: ${problem}. Sidecars of this machine find each other all the same, those of other machines do not`,
      "End the VPN, or let nameResolution of a Configuration name another component than mdns.",
    ),
  ];
}

export const isVpn = (name: string): boolean =>
  /^(tun|tap|utun|wg|ppp|ipsec|tailscale|zt|nordlynx|proton|gpd)\d*/i.test(
    name,
  );

/** Sends a packet to the group and waits for it to come back. */
async function whyNoMulticast(): Promise<string | undefined> {
  const socket = createSocket({ type: "udp4", reuseAddr: true });
  const limit = new AbortController();
  try {
    return await Promise.race([
      new Promise<string | undefined>((resolve) => {
        socket.on("error", (error) => resolve(error.message));
        socket.on("message", () => resolve(undefined));
        socket.bind(0, () => {
          try {
            socket.addMembership(group);
            socket.setMulticastLoopback(true);
          } catch (error) {
            return resolve((error as Error).message);
          }
          socket.send("dapr doctor", socket.address().port, group, (error) => {
            if (error) resolve(error.message);
          });
        });
      }),
      delay(patienceMs, "a packet to the group did not come back", {
        signal: limit.signal,
      }),
    ]);
  } finally {
    limit.abort();
    socket.close();
  }
}
