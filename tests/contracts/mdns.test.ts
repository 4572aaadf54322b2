/** Multicast DNS: recorded packets of the original, and live where this machine supports multicast. */
import { spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { decode, encode, type Answer } from "dns-packet";
import {
  announce,
  serviceOf,
  sightings,
} from "../../runtime/components/clients/mdns/records.ts";
import { openResolver, resolverContract } from "./name-resolver-contract.ts";

/** What daprd 1.14.4 answers to the question for `gocallee.local`: port 6143 at 192.0.2.2. */
const answered =
  "1ddc8400000000010000000308676f63616c6c6565056c6f63616c00000c000100000c80000b08766d3a3233303539" +
  "c00cc0260021000100000c8000100000000017ff02766d056c6f63616c00c0260010000100000c80000908676f63616c6c6565" +
  "c04300010001000000780004c0000202";

/** What it sends when it ends. */
const goodbye =
  "00008000000000050000000008766d3a323330353908676f63616c6c6565056c6f63616c00002180010000000000100000" +
  "000017ff02766d056c6f63616c0008766d3a323330353908676f63616c6c6565056c6f63616c00001080010000000000" +
  "0908676f63616c6c656508676f63616c6c6565056c6f63616c00000c000100000000001908766d3a323330353908676f" +
  "63616c6c6565056c6f63616c00095f7365727669636573075f646e732d7364045f756470056c6f63616c00000c000100" +
  "000000001008676f63616c6c6565056c6f63616c0002766d056c6f63616c0000018001000000000004c0000202";

/** What it asks. */
const asked =
  "1ddc0000000100000000000008676f63616c6c6565056c6f63616c00000c0001";

const recordsOf = (hex: string): Answer[] => {
  const packet = decode(Buffer.from(hex, "hex"));
  return [...(packet.answers ?? []), ...(packet.additionals ?? [])];
};

describe("multicast DNS records", () => {
  test("the original's answer is understood", () => {
    expect(sightings(recordsOf(answered))).toEqual([
      {
        appId: "gocallee",
        namespace: undefined,
        peer: { host: "192.0.2.2", port: 6143 },
        isGone: false,
      },
    ]);
  });

  test("the original's goodbye is understood", () => {
    expect(sightings(recordsOf(goodbye))).toMatchObject([
      { appId: "gocallee", isGone: true },
    ]);
  });

  test("the original's question is for the name we answer to", () => {
    const { questions } = decode(Buffer.from(asked, "hex"));
    expect(questions).toMatchObject([
      { name: serviceOf("gocallee"), type: "PTR" },
    ]);
  });

  const self = {
    appId: "orders",
    namespace: "shop",
    machine: "box",
    pid: 7,
    host: "127.0.0.1",
    port: 47_300,
  };

  test("our own answer can be read, with the namespace", () => {
    const records = announce(self);
    const hex = encode({ type: "response", answers: records }).toString("hex");
    expect(sightings(recordsOf(hex))).toEqual([
      {
        appId: "orders",
        namespace: "shop",
        peer: { host: "127.0.0.1", port: 47_300 },
        isGone: false,
      },
    ]);
    expect(sightings(announce(self, true))).toMatchObject([{ isGone: true }]);
  });

  test("the first text is only the app's id, since the original reads no further", () => {
    const text = announce(self).find(({ type }) => type === "TXT");
    expect(text).toMatchObject({
      data: ["orders", "namespace=shop"],
    });
  });

  test("a text more, as earlier versions have it, changes nothing", () => {
    const records = announce(self).map((record) =>
      record.type === "TXT"
        ? { ...record, data: [...(record.data as string[]), "direct=1"] }
        : record,
    );
    expect(sightings(records as Answer[])).toEqual(sightings(announce(self)));
  });

  test("an IPv6 address is understood", () => {
    expect(sightings(announce({ ...self, host: "::1" }))).toMatchObject([
      { peer: { host: "::1" } },
    ]);
  });

  test.each(["SRV", "TXT", "A"])(
    "an answer without %s is ignored",
    (missing) => {
      const records = announce(self).filter(({ type }) => type !== missing);
      expect(sightings(records)).toEqual([]);
    },
  );

  test("an answer whose text names another app is ignored", () => {
    const records = announce(self).map((record) =>
      record.type === "TXT" ? { ...record, data: ["payments"] } : record,
    );
    expect(sightings(records as Answer[])).toEqual([]);
  });
});

/** Exits with 0 if a packet to the multicast group comes back. A process of its own, since Jest collects tests synchronously. */
const probe = `
const socket = require("node:dgram").createSocket({ type: "udp4", reuseAddr: true });
socket.on("message", (text) => String(text) === "probe" && process.exit(0));
socket.on("error", () => process.exit(1));
socket.bind(5353, () => {
  socket.addMembership("224.0.0.251");
  socket.setMulticastTTL(0);
  socket.send("probe", 5353, "224.0.0.251");
});
setTimeout(() => process.exit(1), 10_000);`;
const hasMulticast =
  spawnSync(process.execPath, ["-e", probe], { timeout: 60_000 }).status === 0;

if (hasMulticast) resolverContract("mDNS", () => ({ component: "mdns" }));
else test.todo("mDNS live: this machine has no multicast");

test("random packets on the port of multicast DNS do no harm", async () => {
  const lines: string[] = [];
  const resolver = await openResolver({ component: "mdns" }, lines);
  const asking = resolver.resolve("noisy", "default");
  const socket = createSocket({ type: "udp4" });
  for (const noise of [
    Buffer.from("no dns"),
    Buffer.alloc(0),
    Buffer.alloc(1500, 0xc0),
  ])
    socket.send(noise, 5353, "127.0.0.1");
  expect(await asking).toBeUndefined();
  socket.close();
  await resolver.close();
  expect(lines).toEqual([]);
});
