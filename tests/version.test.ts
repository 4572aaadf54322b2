import { readFileSync } from "node:fs";
import { join } from "node:path";
import { version } from "../runtime/shared/version.ts";

test("the printed version is the runtime package's", () => {
  const manifest = join(__dirname, "../runtime/package.json");
  expect(JSON.parse(readFileSync(manifest, "utf8")).version).toBe(version);
});
