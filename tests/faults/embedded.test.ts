/** The drills of bindings, on the embedded broker. */
import { join } from "node:path";
import { embedded } from "../support/embedded.ts";
import { endFlows, partitions, type Place } from "./flow.ts";
import { sidecarKilled } from "./sidecar-killed.ts";
import { appKilled } from "./app-killed.ts";
import { appErrors } from "./app-errors.ts";
import { poisonousOrder } from "./poisonous-order.ts";
import { slowApp } from "./slow-app.ts";
import { sigterm } from "./sigterm.ts";

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
