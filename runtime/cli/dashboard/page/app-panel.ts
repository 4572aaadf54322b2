/** One app: what it has, forms to try it, its state, its lines. */
import { useState } from "preact/hooks";
import { printable } from "../../printable.ts";
import type { App } from "../messages.ts";
import { Forms } from "./forms/forms.ts";
import { Logs } from "./logs.ts";
import { Overview } from "./overview.ts";
import { State } from "./state.ts";
import { Tabs } from "./tabs.ts";
import { view } from "./view.ts";

const tabs = ["Overview", "Try it", "State", "Logs"] as const;
type Tab = (typeof tabs)[number];

export function AppPanel({ apps }: { apps: App[] }) {
  const [pid, setPid] = useState<number>();
  const [tab, setTab] = useState<Tab>("Overview");
  const app = apps.find(({ daprdPid }) => daprdPid === pid) ?? apps[0];
  if (!app) return null;
  // Forms keep what was typed as long as the app is the same.
  const key = app.daprdPid;
  return view`<section aria-labelledby="apps-title" class="apps">
    <h2 id="apps-title">Apps</h2>
    <fieldset class="chips">
      <legend class="visually-hidden">App</legend>
      ${apps.map(
        (one) => view`<label key=${one.daprdPid} class="chip">
          <input type="radio" name="app" checked=${one === app} onChange=${() => setPid(one.daprdPid)} />
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

/** With the process if the app has several sidecars. */
const nameOf = ({ appId, daprdPid }: App, apps: App[]): string =>
  printable(
    apps.filter((one) => one.appId === appId).length > 1
      ? `${appId} (${daprdPid})`
      : appId,
  );
