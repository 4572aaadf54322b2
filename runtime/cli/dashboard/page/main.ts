/** The page. */
import { render } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";
import { printable } from "../../printable.ts";
import { AppPanel } from "./app-panel.ts";
import { connect } from "./connect.ts";
import { Endings } from "./endings.ts";
import { Graph } from "./graph/graph.ts";
import { Store, type Connection } from "./store.ts";
import { Summary } from "./summary.ts";
import { Traffic } from "./traffic.ts";
import { view } from "./view.ts";

const states: Record<Connection, string> = {
  connecting: "Connecting …",
  live: "Live",
  lost: "The dashboard does not answer. If `dapr dashboard` has ended, start it again: this page connects by itself.",
  refused:
    "The dashboard refuses this page: too many pages of it are open. Close one, then load this one again.",
};

function Page({ store }: { store: Store }) {
  const [, setTurn] = useState(0);
  // Before the browser paints: a change that comes earlier than its listener would be lost.
  useLayoutEffect(
    () => store.onChange(() => setTurn((turn) => turn + 1)),
    [store],
  );
  const { apps, connection } = store;
  return view`
    <header>
      <h1>Dapr dashboard</h1>
      ${store.cluster && view`<p class="cluster">Cluster ${printable(store.cluster)}</p>`}
      <p role="status" class=${`connection ${connection}`}>${states[connection]}</p>
    </header>
    <main>
      <${Summary} store=${store} />
      ${apps && view`<${Endings} apps=${apps} />`}
      ${apps && (apps.length > 0 ? view`<${Running} store=${store} />` : view`<${Nothing} inCluster=${store.cluster !== undefined} />`)}
    </main>`;
}

function Running({ store }: { store: Store }) {
  const apps = store.apps!;
  return view`
    <section aria-labelledby="graph-title">
      <h2 id="graph-title">What runs</h2>
      <${Graph} store=${store} apps=${apps} />
    </section>
    <${Traffic} store=${store} />
    <${AppPanel} apps=${apps} />`;
}

const Nothing = ({ inCluster }: { inCluster: boolean }) => view`
  <section aria-labelledby="nothing-title">
    <h2 id="nothing-title">No app runs</h2>
    ${
      inCluster
        ? view`<p>An app appears here when its pod has a sidecar: give its pod template the annotations <code>dapr.io/enabled: "true"</code> and <code>dapr.io/app-id: myapp</code>.</p>`
        : view`<p>Start one, and it appears here: <code>dapr run --app-id myapp --app-port 3000 -- node app.js</code>, or all of a run file: <code>dapr run -f dapr.yaml</code>.</p>`
    }
  </section>`;

const store = new Store();
render(view`<${Page} store=${store} />`, document.body);
connect(store);
