import {
  AppUnreachable,
  type AppChannel,
} from "../../contracts/app-channel.ts";
import type { Binding } from "../../contracts/binding.ts";
import { DeliveryError, type Deliver } from "../../contracts/delivery.ts";
import type { Run } from "../../contracts/run.ts";
import type { Logger } from "../../shared/log.ts";
import { createInputs } from "./inputs.ts";

const nobody = () => {};
const log = { warn: nobody, error: nobody } as unknown as Logger;
const message = { data: new Uint8Array(), metadata: {} };
const away = () => new AppUnreachable("refused", { isAway: true });

/** Reads an input of an app that answers as `ends` say; `run` is what is around each delivery. */
async function open(ends: (Error | string)[], run: Run) {
  const signals: (AbortSignal | undefined)[] = [];
  let waits = 0;
  const app = {
    deliver: async (
      _input: unknown,
      _message: unknown,
      signal?: AbortSignal,
    ) => {
      signals.push(signal);
      const end = ends.shift()!;
      if (typeof end !== "string") throw end;
      return { data: Buffer.from(end) };
    },
    whenListening: async () => void waits++,
  } as unknown as AppChannel;
  const inputs = createInputs({
    log,
    app,
    inbound: () => run,
    probeTimeoutMs: 1000,
    create: async () => {},
  });
  const reading = Promise.withResolvers<Deliver>();
  inputs.start({
    name: "orders",
    route: "orders",
    explain: String,
    directions: { input: true, output: false, explicit: true },
    binding: {
      read: async (deliver: Deliver) => {
        reading.resolve(deliver);
        return async () => {};
      },
    } as unknown as Binding,
  });
  return { deliver: await reading.promise, signals, waits: () => waits };
}

test("a delivery is done as its policies say, and ends with their time", async () => {
  const limit = AbortSignal.abort();
  const twice: Run = (work) => work(limit).catch(() => work(limit));
  const refused = new DeliveryError("no", 500);
  const { deliver, signals } = await open([refused, "yes"], twice);
  expect(String(await deliver(message))).toBe("yes");
  expect(signals).toEqual([limit, limit]);
});

test("that nothing listens is no failure of which the policies learn: the message is held", async () => {
  const outcomes: string[] = [];
  const watched: Run = (work) =>
    work().then(
      (result) => {
        outcomes.push("ended");
        return result;
      },
      (error: Error) => {
        outcomes.push(error.message);
        throw error;
      },
    );
  const { deliver, waits } = await open([away(), away(), "yes"], watched);
  expect(String(await deliver(message))).toBe("yes");
  expect(waits()).toBe(2);
  expect(outcomes).toEqual(["ended", "ended", "ended"]);
});

test("a message that is worthless later fails at once while nothing listens", async () => {
  const { deliver } = await open([away()], (work) => work());
  await expect(deliver({ ...message, perishable: true })).rejects.toThrow(
    "refused",
  );
});
