/** The lines of an app and of its sidecar, as far as `dapr run` writes them to files. */
import { messageOf } from "../../shared/message-of.ts";
import { detailsIn, type Instance } from "../instances/instances.ts";
import { logPath, type LogOf } from "../instances/log-path.ts";
import { withoutAnsi } from "../lines.ts";
import type { EventStream } from "./event-stream.ts";
import { followFile } from "./follow-file.ts";
import type { LogEvent } from "./messages.ts";
import type { Metadata } from "./sidecar.ts";

/** Sends both streams until the page closes. */
export function sendLogs(
  instance: Instance,
  metadata: Metadata | undefined,
  page: EventStream,
): void {
  const closed = new AbortController();
  page.onClose(() => closed.abort());
  for (const stream of ["app", "daprd"] as const)
    void sendLog(stream, instance, metadata, page, closed.signal);
}

async function sendLog(
  stream: LogOf,
  instance: Instance,
  metadata: Metadata | undefined,
  page: EventStream,
  signal: AbortSignal,
): Promise<void> {
  const { appId, cli, appPort } = instance;
  const details = detailsIn(metadata, instance);
  const tell = (event: LogEvent) => page.send(JSON.stringify(event));
  const path = logPath(details, appId, stream);
  if (!path) {
    const where = cli
      ? `in the terminal of its \`dapr run\` (PID ${cli.pid})`
      : "where it was started";
    const note =
      stream === "app" && !details.appPid && !appPort
        ? "No app was started with this sidecar."
        : `These lines are ${where}. \`dapr run -f\` writes them to files, which are shown here.`;
    return tell({ stream, note });
  }
  const prefix = `== APP - ${appId} == `;
  try {
    await followFile(
      path,
      (line) =>
        tell({
          stream,
          line: withoutAnsi(
            line.startsWith(prefix) ? line.slice(prefix.length) : line,
          ),
        }),
      signal,
    );
  } catch (error) {
    tell({
      stream,
      note: `The log ${path} can't be read: ${messageOf(error)}`,
    });
  }
}
