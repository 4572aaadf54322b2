/** `spec.accessControl` of a Configuration (docs/protocol/configuration.md). */
import type {
  AccessAction,
  AccessControl,
  AccessPolicy,
} from "../../contracts/configuration.ts";
import type { Logger } from "../../shared/log.ts";
import { where } from "../../shared/position.ts";
import { tellUnknown } from "../unknown-fields.ts";
import { listAt, member, textOf, textsOf, type Value } from "../values/yaml.ts";

/** The original's default. */
const defaultTrustDomain = "public";

/** Undefined if there is no access control. Throws if a policy does not say whom it is about. */
export function readAccessControl(
  given: Value | undefined,
  log: Logger,
): AccessControl | undefined {
  tellUnknown(
    given,
    ["defaultAction", "trustDomain", "policies"],
    "spec.accessControl",
    log,
  );
  const list = listAt(member(given, "policies"), "spec.accessControl.policies");
  const items = list?.kind === "list" ? list.items : [];
  const trustDomain = textOf(member(given, "trustDomain"));
  const written = member(given, "defaultAction");
  if (trustDomain === "" && textOf(written) === "" && items.length === 0)
    return undefined;
  if (textOf(written) === "")
    log.warn(
      `No global default action has been specified. Setting default global action as ${list && items.length === 0 ? "Allow" : "Deny"} (${where(given?.at)})`,
    );
  const defaultAction =
    textOf(written) !== ""
      ? actionOf(written, log)
      : list && items.length === 0
        ? "allow"
        : "deny";
  refuseNameless(items);
  const policies = new Map<string, AccessPolicy>();
  for (const item of items) {
    const policy = readPolicy(item, defaultAction, log);
    const key = `${policy.appId}||${policy.namespace}`;
    if (policies.has(key))
      log.warn(
        `spec.accessControl: this policy for app "${policy.appId}" in namespace "${policy.namespace}" takes the place of an earlier one (${where(item.at)})`,
      );
    policies.set(key, policy);
  }
  return {
    defaultAction,
    trustDomain: trustDomain || defaultTrustDomain,
    policies: [...policies.values()],
  };
}

/** Throws on a policy without app, namespace or trust domain: it would be about nobody. */
function refuseNameless(items: Value[]) {
  const lacking = (name: string) =>
    items.filter((item) => textOf(member(item, name)) === "");
  const names = (list: Value[]) =>
    list.map((item) => textOf(member(item, "appId"))).join(" ");
  const [domains, namespaces, apps] = [
    lacking("trustDomain"),
    lacking("namespace"),
    lacking("appId"),
  ];
  const first = items.find((item) =>
    [domains, namespaces, apps].some((list) => list.includes(item)),
  );
  if (first)
    throw new Error(
      `invalid access control spec. missing trustdomain for apps: [${names(domains)}], missing namespace for apps: [${names(namespaces)}], missing app name on at least one of the app policies: ${apps.length > 0} (${where(first.at)})`,
    );
}

function readPolicy(
  item: Value,
  globalAction: AccessAction,
  log: Logger,
): AccessPolicy {
  const path = "spec.accessControl.policies";
  tellUnknown(
    item,
    ["appId", "namespace", "trustDomain", "defaultAction", "operations"],
    path,
    log,
  );
  const defaultAction = member(item, "defaultAction");
  const operations = listAt(member(item, "operations"), "operations");
  return {
    appId: textOf(member(item, "appId")),
    namespace: textOf(member(item, "namespace")),
    trustDomain: textOf(member(item, "trustDomain")),
    defaultAction:
      textOf(defaultAction) === ""
        ? globalAction
        : actionOf(defaultAction, log),
    operations: (operations?.kind === "list" ? operations.items : []).map(
      (operation) => {
        tellUnknown(
          operation,
          ["name", "httpVerb", "action"],
          `${path}.operations`,
          log,
        );
        const name = textOf(member(operation, "name"));
        return {
          name: name.startsWith("/") ? name : `/${name}`,
          httpVerbs: textsOf(
            listAt(member(operation, "httpVerb"), "httpVerb"),
          ).map((verb) => verb.toUpperCase()),
          action: actionOf(member(operation, "action") ?? operation, log),
        };
      },
    ),
  };
}

/** All but `allow` denies, as in the original; a slip is warned about. */
function actionOf(value: Value | undefined, log: Logger): AccessAction {
  const action = value?.kind === "text" ? value.text.toLowerCase() : "";
  if (action === "allow" || action === "deny") return action;
  log.warn(
    `spec.accessControl: ${action ? `action "${action}" is` : "an action that is not written is"} neither allow nor deny and denies (${where(value?.at)})`,
  );
  return "deny";
}
