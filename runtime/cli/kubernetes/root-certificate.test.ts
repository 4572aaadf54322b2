import { makeCertificates } from "../../../tests/support/tls.ts";
import { tempFolder } from "../../../tests/support/temp-folder.ts";
import { expiryNotice, rootExpiry } from "./root-certificate.ts";

const dayMs = 86_400_000;

test("of several roots the first that ends counts", () => {
  const { ca, cert } = makeCertificates(tempFolder("root-certificate"));
  const end = rootExpiry(ca).getTime();
  expect(end).toBeGreaterThan(Date.now() + dayMs);
  expect(end).toBeLessThan(Date.now() + 3 * dayMs);
  expect(rootExpiry(`${cert}\n${ca}`).getTime()).toBeLessThanOrEqual(end);
  expect(() => rootExpiry("text")).toThrow("holds no certificate");
});

test("the notice comes in the last thirty days", () => {
  const now = Date.parse("2026-11-21T08:00:00Z");
  const after = (days: number) =>
    expiryNotice(new Date(now + days * dayMs), now);
  expect(after(30)).toBeUndefined();
  expect(after(29)).toContain(
    "expires in 29 days. Expiry date: Sun, 20 Dec 2026 08:00:00 UTC. \n",
  );
});
