/** The container suite of the tutorial on testing, where there is no Docker. With Docker the tutorial itself is run. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";

test("it is skipped, and says why", () => {
  const { status, stdout } = spawnSync(
    process.execPath,
    ["--test", "--test-reporter=spec", "redis.test.ts"],
    {
      cwd: join(__dirname, "..", "..", "tutorials", "testing"),
      encoding: "utf8",
      // Nobody listens there.
      env: { ...process.env, DOCKER_HOST: "tcp://127.0.0.1:9" },
    },
  );
  expect(stdout).toMatch(
    /^﹣ orders on Redis \(.*\) # Docker does not answer \(docker info\)$/m,
  );
  expect(stdout).toContain("ℹ fail 0");
  expect(status).toBe(0);
});
