/** One app: what it has, forms to try it, its state, its lines. */
import { useState } from "preact/hooks";
import { printable } from "../../printable.ts";
import type { App } from "../messages.ts";
import { Forms } from "./forms/forms.ts";
import { Logs } from "./logs.ts";
import { nameOf } from "./name-of.ts";
import { Overview } from "./overview.ts";
import { State } from "./state.ts";
import { Tabs } from "./tabs.ts";
import { view } from "./view.ts";

const tabs = ["Overview", "Try it", "State", "Logs"] as const;
type Tab = (typeof tabs)[number];

export function AppPanel({ apps }: { apps: App[] }) {
  const [chosen, choose] = useState<string>();
  const [tab, setTab] = useState<Tab>("Overview");
  const app = apps.find(({ sidecar }) => sidecar === chosen) ?? apps[0];
  if (!app) return null;
  // Forms keep what was typed as long as the app is the same.
  const key = app.sidecar;
  return view`<section aria-labelledby="apps-title" class="apps">
    <h2 id="apps-title">Apps</h2>
    <fieldset class="chips">
      <legend class="visually-hidden">App</legend>
      ${apps.map(
        (one) => view`<label key=${one.sidecar} class="chip">
          <input type="radio" name="app" checked=${one === app} onChange=${() => choose(one.sidecar)} />
          <span>${nameOf(one, apps)}</span>
        </label>`,
      )}
    </fieldset>
    <${Tabs} label=${`About ${printable(app.appId)}`} names=${tabs} chosen=${tab} choose=${setTab}>
      ${tab === "Overview" && view`<${Overview} key=${key} app=${app} />`}
      ${tab === "Try it" && view`<${Forms} key=${key} app=${app} apps=${apps} />`}
      ${tab === "State" && view`<${State} key=${key} app=${app} />`}
      ${tab === "Logs" && view`<${Logs} key=${key} app=${app} />`}
    <//>
  </section>`;
}
