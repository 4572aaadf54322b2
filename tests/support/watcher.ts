/** Watches a sidecar as the dashboard does. */
import { request, type IncomingMessage } from "node:http";
import type {
  CallEvent,
  DeliveryEvent,
  MissedEvent,
  WatchEvent,
} from "../../runtime/shared/watch-event.ts";
import { waitFor } from "../wait-for.ts";

export const watchToken = "watch-token-of-a-test-0123456789abcdef";
/** For the environment of a sidecar. */
export const watchable = { DAPR_WATCH_TOKEN: watchToken };
export const watchHeaders = { "dapr-watch-token": watchToken };
export const eventsPath = "/dapr-kit/watch/events";

export interface TestWatcher {
  events: WatchEvent[];
  /** All that came, as it came. */
  text(): string;
  /** Without `GET /v1.0/metadata`: a `dapr list` of another test asks all sidecars of this machine. */
  calls(): CallEvent[];
  deliveries(): DeliveryEvent[];
  missed(): number;
  /** Resolves with the first call whose path begins so, once it is told. */
  call(path: string): Promise<CallEvent>;
  delivery(from: DeliveryEvent["from"]): Promise<DeliveryEvent>;
  /** Reads nothing more, until `resume`. */
  pause(): void;
  resume(): void;
  leave(): void;
  ended: Promise<void>;
}

/** Resolves once the sidecar tells what happens. */
export function openWatcher(
  port: number,
  token = watchToken,
): Promise<TestWatcher> {
  return new Promise((resolve, reject) => {
    const asking = request(
      {
        host: "127.0.0.1",
        port,
        path: eventsPath,
        headers: { "dapr-watch-token": token },
        agent: false,
      },
      (answer) => {
        if (answer.statusCode === 200) resolve(watcherOf(answer));
        else reject(new Error(`the sidecar answered ${answer.statusCode}`));
      },
    );
    asking.on("error", reject);
    asking.end();
  });
}

function watcherOf(answer: IncomingMessage): TestWatcher {
  const events: WatchEvent[] = [];
  const parts: string[] = [];
  let rest = "";
  const ended = new Promise<void>((done) => answer.once("close", done));
  answer.on("error", () => {}); // `ended` tells it
  answer.setEncoding("utf8").on("data", (text: string) => {
    parts.push(text);
    const lines = (rest + text).split("\n\n");
    rest = lines.pop()!;
    for (const line of lines)
      if (line.startsWith("data: "))
        events.push(JSON.parse(line.slice("data: ".length)) as WatchEvent);
  });
  const of = <E extends WatchEvent>(type: E["type"]) =>
    events.filter((event): event is E => event.type === type);
  const calls = () =>
    of<CallEvent>("call").filter(({ path }) => path !== "/v1.0/metadata");
  const deliveries = () => of<DeliveryEvent>("delivery");
  return {
    events,
    text: () => parts.join(""),
    calls,
    deliveries,
    missed: () =>
      of<MissedEvent>("missed").reduce((sum, { count }) => sum + count, 0),
    call: (path) =>
      waitFor(`the call ${path} to be told`, () =>
        calls().find((one) => one.path.startsWith(path)),
      ),
    delivery: (from) =>
      waitFor(`a delivery of ${from} to be told`, () =>
        deliveries().find((one) => one.from === from),
      ),
    pause: () => void answer.pause(),
    resume: () => void answer.resume(),
    leave: () => void answer.destroy(),
    ended,
  };
}
