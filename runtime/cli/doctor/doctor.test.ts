import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempFolder } from "../../../tests/support/temp-folder.ts";
import { makeCertificates } from "../../../tests/support/tls.ts";
import { checkCertificates } from "./certificates.ts";
import { isVpn } from "./discovery.ts";
import { listeningIn, parseLsof, parseNetstat } from "./listeners.ts";
import { checkProxies } from "./proxies.ts";

test("listening sockets are read from each system's own words", () => {
  expect(
    listeningIn(
      `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:0DAC 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 x
   1: 0100007F:0DAC 0100007F:9C40 01 00000000:00000000 00:00000000 00000000  1000        0 4712 1 x
`,
    ),
  ).toEqual([["4711", 3500]]);
  expect(
    parseLsof("p12\nf20\nn127.0.0.1:3500\nf21\nn[::1]:3500\np13\nf3\nn*:80\n"),
  ).toEqual(
    new Map([
      [3500, 12],
      [80, 13],
    ]),
  );
  expect(
    parseNetstat(
      "\r\n  Proto  Lokale Adresse\r\n  TCP    127.0.0.1:3500   0.0.0.0:0    ABHÖREN   12\r\n  TCP    [::]:80   [::]:0   ABHÖREN   4\r\n  TCP    10.0.0.2:50123   1.2.3.4:443   HERGESTELLT   99\r\n",
    ),
  ).toEqual(
    new Map([
      [3500, 12],
      [80, 4],
    ]),
  );
});

test("a proxy matters unless calls of this machine go past it", async () => {
  const at = async (env: NodeJS.ProcessEnv) => (await checkProxies(env))[0]!;
  const HTTP_PROXY = "http://user:secret@proxy:3128";
  expect((await at({})).status).toBe("ok");
  const found = await at({ HTTP_PROXY, no_proxy: "intern.example, localhost" });
  expect(found.status).toBe("warning");
  expect(found.message).toContain("lacks 127.0.0.1:");
  expect(found.hint).toContain("NO_PROXY=intern.example,localhost,127.0.0.1 ");
  expect(JSON.stringify(found)).not.toContain("secret");
  for (const NO_PROXY of ["127.0.0.1,localhost", "*"])
    expect((await at({ HTTP_PROXY, NO_PROXY })).status).toBe("note");
});

test("files of trusted authorities are read", async () => {
  const folder = tempFolder("doctor-certificates");
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const at = async (path: string) =>
    (await checkCertificates({ NODE_EXTRA_CA_CERTS: path }))[0]!;
  const { ca } = makeCertificates(folder);
  expect(await at(file("good.pem", ca))).toMatchObject({
    status: "ok",
    message: expect.stringContaining("1 valid certificates"),
  });
  expect(await at(file("text.pem", "text"))).toMatchObject({
    status: "failure",
    message: expect.stringContaining("holds no certificate"),
  });
  expect((await at(join(folder, "none.pem"))).status).toBe("failure");
  expect(
    await checkCertificates({ NODE_TLS_REJECT_UNAUTHORIZED: "0" }),
  ).toMatchObject([{ status: "warning" }]);
});

test.each([
  ["utun3", true],
  ["wg0", true],
  ["tailscale0", true],
  ["eth0", false],
  ["en0", false],
  ["wlan0", false],
])("interface %s is a VPN's: %s", (name, is) => expect(isVpn(name)).toBe(is));
