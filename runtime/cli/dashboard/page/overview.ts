/** What an app and its sidecar have. */
import { printable } from "../../printable.ts";
import type { App } from "../messages.ts";
import { view } from "./view.ts";

export function Overview({ app }: { app: App }) {
  const facts: [string, string][] = [
    ["App ID", app.appId],
    ["Namespace", app.pod?.namespace ?? ""],
    ["Pod", app.pod?.name ?? ""],
    ["Containers", app.pod?.containers.join(", ") ?? ""],
    ["Command", app.command],
    ["App port", app.appPort ? String(app.appPort) : ""],
    [
      "App process",
      app.hasEnded ? "ended" : app.appPid ? String(app.appPid) : "",
    ],
    [
      "Sidecar",
      `${app.pod ? "in the pod" : `process ${app.sidecar}`}, HTTP port ${app.httpPort}, gRPC port ${app.grpcPort}`,
    ],
    ["Started", new Date(app.created).toLocaleString()],
    ["Run file", app.runTemplateName ?? ""],
  ];
  return view`
    ${app.hasEnded && view`<p class="note">✗ The app has ended. Its sidecar runs on without it; what it said last is in its logs.</p>`}
    ${app.note && view`<p class="note">${printable(app.note)}</p>`}
    <dl>${facts.map(
      ([name, value]) =>
        value &&
        view`<div key=${name}><dt>${name}</dt><dd>${printable(value)}</dd></div>`,
    )}</dl>
    <${Table} title="Components" head=${["Name", "Type", "Version"]}
      rows=${app.components.map(({ name, type, version }) => [name, type, version])} />
    <${Table} title="Subscriptions" head=${["Pub/sub", "Topic", "Path"]}
      rows=${app.subscriptions.map(({ pubsubname, topic, rules }) => [pubsubname, topic, rules.map(({ match, path = "" }) => (match ? `${path} if ${match}` : path)).join(", ")])} />`;
}

interface TableProps {
  title: string;
  head: string[];
  rows: string[][];
}

function Table({ title, head, rows }: TableProps) {
  if (rows.length === 0)
    return view`<h3>${title}</h3><p class="hint">None.</p>`;
  return view`<h3>${title}</h3>
    <div class="scroll" tabindex="0" role="region" aria-label=${title}>
      <table>
        <thead><tr>${head.map((name) => view`<th key=${name} scope="col">${name}</th>`)}</tr></thead>
        <tbody>${rows.map((cells, n) => view`<tr key=${n}>${cells.map((cell, m) => view`<td key=${m}>${printable(cell)}</td>`)}</tr>`)}</tbody>
      </table>
    </div>`;
}
