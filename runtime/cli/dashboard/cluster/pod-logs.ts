/** The lines of a pod's containers, as they come. */
import { delay } from "../../../shared/timers.ts";
import { sidecar as names } from "../../../kubernetes/names.ts";
import { withoutAnsi } from "../../lines.ts";
import { followKubectl } from "../../kubernetes/follow-kubectl.ts";
import type { Pod } from "../../kubernetes/pods.ts";
import type { EventStream } from "../event-stream.ts";
import type { LogEvent } from "../messages.ts";
import { appContainers } from "./describe-pod.ts";

/** A log ends when its container restarts: so long until it is asked for again. */
const againMs = 2000;
const firstLines = 200;

/** Sends them until the page closes. */
export function sendPodLogs(pod: Pod, page: EventStream): void {
  const closed = new AbortController();
  page.onClose(() => closed.abort());
  const tell = (event: LogEvent) => page.send(JSON.stringify(event));
  const apps = appContainers(pod);
  for (const { name } of apps) {
    const prefix = apps.length > 1 ? `${name}: ` : "";
    void followContainer(pod, name, closed.signal, {
      line: (line) => tell({ stream: "app", line: prefix + line }),
      note: (note) => tell({ stream: "app", note: prefix + note }),
    });
  }
  void followContainer(pod, names.container, closed.signal, {
    line: (line) => tell({ stream: "daprd", line }),
    note: (note) => tell({ stream: "daprd", note }),
  });
}

interface Listener {
  line(line: string): void;
  note(note: string): void;
}

async function followContainer(
  { metadata: { name, namespace = "" } }: Pod,
  container: string,
  signal: AbortSignal,
  { line, note }: Listener,
): Promise<void> {
  let last = "";
  let told = "";
  while (!signal.aborted) {
    const before = last;
    const said = await followKubectl(
      [
        "logs",
        "--follow",
        name,
        "-n",
        namespace,
        "-c",
        container,
        "--timestamps",
        // By the node's clock, not by that of this machine.
        ...(before ? [`--since-time=${before}`] : [`--tail=${firstLines}`]),
      ],
      (stamped) => {
        const { time, text } = splitStamp(stamped);
        // What was told comes again: the time is that of its last line.
        if (time && !isAfter(time, before)) return;
        if (time) last = time;
        line(withoutAnsi(text));
      },
      signal,
    );
    if (signal.aborted) return;
    if (said.includes("(NotFound)")) return note("The pod is gone.");
    if (said && said !== told) note(said);
    told = said;
    await delay(againMs, undefined, { signal }).catch(() => {}); // the loop sees that it was aborted
  }
}

/** kubectl writes the time in front of a line, in UTC with up to nine decimals: `2026-11-21T08:00:00.123456789Z text`. */
export function splitStamp(line: string): { time: string; text: string } {
  const [, time = "", text = line] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z) ?(.*)$/s.exec(line) ?? [];
  return { time, text };
}

/** Decimals that are zero are left out, so the texts can't be compared as they are. */
export function isAfter(time: string, other: string): boolean {
  const padded = (stamp: string) =>
    `${stamp.slice(0, 19)}.${stamp.slice(20, -1).padEnd(9, "0")}`;
  return other === "" || padded(time) > padded(other);
}
