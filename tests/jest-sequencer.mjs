/** Jest begins with the largest files, or with those that took longest before. Files that mostly wait come first of all. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import Sequencer from "@jest/test-sequencer";

/** The files that take most of their suite's time, the longest first. */
const long = [
  "faults/kafka.test.ts",
  "faults/kafka-cluster.test.ts",
  "faults/embedded.test.ts",
  "containers/kafka-cluster.test.ts",
  "containers/kafka-faults.test.ts",
  "contracts/kafka.test.ts",
  "end-to-end/demo.test.ts",
  "end-to-end/rolling-update.test.ts",
  "sdk/quickstarts/quickstarts.test.ts",
];
for (const name of long)
  if (!existsSync(join(import.meta.dirname, name)))
    throw new Error(`jest-sequencer.mjs names ${name}, which is not there`);

const place = ({ path }) => {
  const at = long.findIndex((name) => path.endsWith(`/tests/${name}`));
  return at < 0 ? long.length : at;
};

export default class extends Sequencer {
  sort(tests) {
    return super.sort(tests).toSorted((a, b) => place(a) - place(b));
  }
}
