/** The forms that an app's components allow. */
import type { App } from "../../messages.ts";
import { view } from "../view.ts";
import { RequestForm, type Field } from "./request-form.ts";
import {
  bindingRequest,
  invokeRequest,
  publishRequest,
  saveRequest,
} from "./requests.ts";

export function Forms({ app, apps }: { app: App; apps: App[] }) {
  const named = (kind: string) =>
    app.components
      .filter(({ type }) => type.startsWith(`${kind}.`))
      .map(({ name }) => name);
  const [pubsubs, stores] = [named("pubsub"), named("state")];
  const outputs = app.components
    .filter(
      ({ type, capabilities }) =>
        type.startsWith("bindings.") &&
        // The original's metadata tells no capabilities of bindings.
        (capabilities.length === 0 || capabilities.includes("OUTPUT_BINDING")),
    )
    .map(({ name }) => name);
  return view`<div class="forms">
    ${pubsubs.length > 0 && view`<${RequestForm} app=${app} title="Publish an event" verb="Publish" request=${publishRequest} fields=${publishFields(pubsubs, apps)} />`}
    ${outputs.length > 0 && view`<${RequestForm} app=${app} title="Call a binding" verb="Call" request=${bindingRequest} fields=${bindingFields(outputs)} />`}
    ${stores.length > 0 && view`<${RequestForm} app=${app} title="Save state" verb="Save" request=${saveRequest} fields=${saveFields(stores)} />`}
    <${RequestForm} app=${app} title="Invoke a method" verb="Invoke" request=${invokeRequest} fields=${invokeFields(app, apps)} />
  </div>`;
}

const order = '{"orderId": 42}';

const publishFields = (pubsubs: string[], apps: App[]): Field[] => [
  { name: "pubsub", label: "Pub/sub", choices: pubsubs },
  {
    name: "topic",
    label: "Topic",
    hints: [
      ...new Set(
        apps.flatMap(({ subscriptions }) =>
          subscriptions.map(({ topic }) => topic),
        ),
      ),
    ],
    required: true,
  },
  {
    name: "contentType",
    label: "Content type",
    value: "application/json",
    hints: [
      "application/json",
      "application/cloudevents+json",
      "text/plain",
      "application/xml",
    ],
    required: true,
  },
  { name: "data", label: "Data", value: order, isLong: true },
];

const bindingFields = (outputs: string[]): Field[] => [
  { name: "binding", label: "Binding", choices: outputs },
  {
    name: "operation",
    label: "Operation",
    value: "create",
    hints: ["create", "get", "delete", "list", "exec", "query"],
    required: true,
  },
  { name: "data", label: "Data", value: order, isLong: true },
  { name: "metadata", label: "Metadata (a JSON object, or empty)" },
];

const saveFields = (stores: string[]): Field[] => [
  { name: "store", label: "State store", choices: stores },
  { name: "key", label: "Key", required: true },
  { name: "value", label: "Value", value: order, isLong: true },
];

const invokeFields = (app: App, apps: App[]): Field[] => [
  {
    name: "target",
    label: "App to call",
    value: app.appId,
    hints: [...new Set(apps.map(({ appId }) => appId))],
    required: true,
  },
  {
    name: "verb",
    label: "HTTP verb",
    choices: ["POST", "GET", "PUT", "DELETE", "PATCH"],
  },
  { name: "method", label: "Method", required: true },
  { name: "data", label: "Data", value: order, isLong: true },
];
