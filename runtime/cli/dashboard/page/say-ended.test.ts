import type { App } from "../messages.ts";
import { sayEnded } from "./say-ended.ts";

const app = (appId: string, sidecar: string, hasEnded = false) =>
  ({ appId, sidecar, ...(hasEnded && { hasEnded }) }) as App;
const shop = app("shop", "1");
const bank = app("bank", "2");

test("an app that ends is told once, by its name", () => {
  const ended = app("shop", "1", true);
  expect(sayEnded([shop, bank], [ended, bank])).toBe(
    "The app shop has ended; its sidecar runs on.",
  );
  expect(sayEnded([ended, bank], [ended, bank])).toBe("");
  expect(sayEnded([], [ended])).toContain("shop has ended");
});

test("an app that goes with its sidecar is told, one that comes is not", () => {
  expect(sayEnded([shop, bank], [bank])).toBe(
    "The app shop and its sidecar have ended.",
  );
  expect(sayEnded([bank], [shop, bank])).toBe("");
  // Started anew, it is another sidecar.
  expect(sayEnded([shop], [app("shop", "3")])).toBe(
    "The app shop and its sidecar have ended.",
  );
});
