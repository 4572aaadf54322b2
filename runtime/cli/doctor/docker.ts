/** Docker: only components that use a server in a container need it. */
import { execFile } from "node:child_process";
import { note, ok, warning, type Finding } from "./finding.ts";

export const checkDocker = (): Promise<Finding[]> =>
  new Promise((resolve) =>
    execFile(
      "docker",
      ["version", "--format", "{{.Server.Version}}"],
      { timeout: 10_000, windowsHide: true },
      (error, stdout, stderr) => {
        if (!error) return resolve([ok(`Docker ${stdout.trim()} answers`)]);
        if ((error as NodeJS.ErrnoException).code === "ENOENT")
          return resolve([
            note(
              "Docker is not installed; only Kafka, Redis and the like need it",
            ),
          ]);
        const why = stderr.trim().split("\n")[0] || error.message;
        resolve([
          warning(
            `Docker is installed but does not answer: ${why}`,
            "Start it, if you need Kafka, Redis or the like from containers.",
          ),
        ]);
      },
    ),
  );
