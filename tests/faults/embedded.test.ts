/** The drills that touch bindings, on the embedded broker. */
import { join } from "node:path";
import { embedded } from "../support/embedded.ts";
import { endFlows, partitions, type Place } from "./flow.ts";
import { sidecarKilled } from "./r1-sidecar-killed.ts";
import { appKilled } from "./r2-app-killed.ts";
import { appErrors } from "./r4-app-errors.ts";
import { poisonousOrder } from "./r5-poison.ts";
import { slowApp } from "./r6-slow-app.ts";
import { sigterm } from "./r8-sigterm.ts";

const place: Place = {
  name: "embedded",
  component: (topic, folder, metadata, name) =>
    embedded(name, {
      path: join(folder, "embedded.db"),
      partitions: String(partitions),
      topics: topic,
      ...metadata,
    }),
};

afterEach(endFlows);

for (const drill of [
  sidecarKilled,
  appKilled,
  appErrors,
  poisonousOrder,
  slowApp,
  sigterm,
])
  drill(() => place);
