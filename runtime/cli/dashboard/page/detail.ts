/** One call or delivery, with its bodies. */
import type { Body } from "../../../shared/watch-event.ts";
import { aboutBody, bodyText } from "./body-text.ts";
import { factsOf } from "./describe-event.ts";
import type { Seen } from "./store.ts";
import { view } from "./view.ts";

export function Detail({ seen }: { seen: Seen | undefined }) {
  if (!seen)
    return view`<div class="detail" role="region" aria-label="Details"><p class="hint">Choose a line to see it with its bodies.</p></div>`;
  const { request, response } = seen.event;
  const names =
    seen.event.type === "call"
      ? ["Request", "Answer"]
      : ["What the app got", "What the app answered"];
  return view`<div class="detail" role="region" aria-label="Details">
    <dl>${factsOf(seen).map(([name, value]) => view`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
    <${BodyView} name=${names[0]} body=${request} />
    <${BodyView} name=${names[1]} body=${response} />
  </div>`;
}

function BodyView({ name, body }: { name: string; body: Body | undefined }) {
  if (!body) return view`<h3>${name}</h3><p class="hint">No body was kept.</p>`;
  const text = bodyText(body);
  return view`<h3>${name} <small>${aboutBody(body)}</small></h3>
    ${
      body.hidden === undefined
        ? text &&
          view`<pre tabindex="0" aria-label=${`${name}, body`}>${text}</pre>`
        : view`<p class="hint">Not shown: ${text}</p>`
    }`;
}
