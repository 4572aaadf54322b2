/** The lines of an app and of its sidecar, as they come. */
import { useEffect, useRef, useState } from "preact/hooks";
import { printable } from "../../printable.ts";
import type { App, LogEvent } from "../messages.ts";
import { logsPath } from "./api.ts";
import { view } from "./view.ts";

const maxLines = 1000;
const refused =
  "No lines can be read: the sidecar has ended, or too many pages show logs.";
const tellMs = 100;

interface Line {
  n: number;
  stream: "app" | "daprd";
  text: string;
  isNote?: boolean;
}

const streams = { app: "App", daprd: "Sidecar" } as const;

export function Logs({ app }: { app: App }) {
  const lines = useLines(app);
  const [hidden, setHidden] = useState<readonly string[]>([]);
  const box = useRef<HTMLDivElement>(null);
  const [isFollowing, setFollowing] = useState(true);
  useEffect(() => {
    if (isFollowing) box.current!.scrollTop = box.current!.scrollHeight;
  });
  const shown = lines.filter(({ stream }) => !hidden.includes(stream));
  return view`<div class="toolbar">
      ${(Object.keys(streams) as Line["stream"][]).map(
        (stream) => view`<label key=${stream} class="check">
          <input type="checkbox" checked=${!hidden.includes(stream)}
            onChange=${() => setHidden(hidden.includes(stream) ? hidden.filter((one) => one !== stream) : [...hidden, stream])} />
          ${streams[stream]}</label>`,
      )}
      <label class="check"><input type="checkbox" checked=${isFollowing} onChange=${() => setFollowing(!isFollowing)} /> Follow</label>
    </div>
    <div ref=${box} class="log" role="log" aria-live="off" tabindex="0" aria-label=${`Lines of ${printable(app.appId)}`}>
      ${shown.map(({ n, stream, text, isNote }) => view`<div key=${n} class=${isNote ? "line note" : "line"}><span class="stream">${streams[stream]}</span> ${printable(text)}</div>`)}
    </div>`;
}

/** The last thousand lines. While the page is in the background none are asked for; afterwards they come anew. */
function useLines({ appId, sidecar }: App): Line[] {
  const [lines, setLines] = useState<Line[]>([]);
  useEffect(() => {
    let source: EventSource | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let kept: Line[] = [];
    let n = 0;
    const add = (event: LogEvent) => {
      const line: Line =
        "type" in event
          ? {
              n: n++,
              stream: "app",
              text: `${event.count} lines came too fast and are not shown.`,
              isNote: true,
            }
          : "note" in event
            ? { n: n++, stream: event.stream, text: event.note, isNote: true }
            : { n: n++, stream: event.stream, text: event.line };
      kept = [...kept.slice(1 - maxLines), line];
      timer ??= setTimeout(() => {
        timer = undefined;
        setLines(kept);
      }, tellMs);
    };
    const follow = () => {
      source?.close();
      if (document.hidden) return;
      source = new EventSource(logsPath({ appId, sidecar } as App));
      // Also after a break: the server begins again with the last lines.
      source.onopen = () => {
        kept = [];
      };
      source.onmessage = ({ data }) =>
        add(JSON.parse(data as string) as LogEvent);
      // After an answer that is no stream the browser gives up.
      source.onerror = ({ currentTarget }) => {
        if ((currentTarget as EventSource).readyState === EventSource.CLOSED)
          add({ stream: "daprd", note: refused });
      };
    };
    follow();
    document.addEventListener("visibilitychange", follow);
    return () => {
      document.removeEventListener("visibilitychange", follow);
      source?.close();
      clearTimeout(timer);
    };
  }, [appId, sidecar]);
  return lines;
}
