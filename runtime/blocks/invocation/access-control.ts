/** Access control lists: which app may call what here (docs/protocol/configuration.md). */
import type {
  AccessAction,
  AccessControl,
  AccessPolicy,
} from "../../contracts/configuration.ts";

/** Who calls, by the identity in its certificate: `spiffe://<trustDomain>/ns/<namespace>/<appId>`. */
export interface Caller {
  trustDomain: string;
  namespace: string;
  appId: string;
}

/**
 * Whether a call may pass. `operation` is the normalised path with its leading
 * slash, `verb` upper case; undefined where the app speaks gRPC. A caller without a certificate (no mutual TLS) gets
 * the list's default, whatever it claims to be.
 */
export function isAllowed(
  list: AccessControl,
  caller: Caller | undefined,
  operation: string,
  verb: string | undefined,
): boolean {
  const policy =
    caller && list.policies.find((candidate) => isFor(candidate, caller));
  return (
    (policy ? decide(policy, operation, verb) : list.defaultAction) === "allow"
  );
}

const isFor = (policy: AccessPolicy, caller: Caller) =>
  policy.appId === caller.appId &&
  policy.namespace === caller.namespace &&
  policy.trustDomain === caller.trustDomain;

type Operation = AccessPolicy["operations"][number];

/**
 * The most specific operation decides, by its exact verb, then by `*`; one that has neither leaves it to the policy. For an app
 * that speaks gRPC verbs do not count and case does: of several operations of one name the first decides.
 */
function decide(
  policy: AccessPolicy,
  operation: string,
  verb: string | undefined,
): AccessAction {
  const folded = (text: string) =>
    verb === undefined ? text : text.toLowerCase();
  const path = folded(operation);
  let found: Operation[] = [];
  let foundRank = -1;
  for (const candidate of policy.operations) {
    const name = folded(candidate.name);
    if (!matches(name, path) || rank(name) < foundRank) continue;
    if (rank(name) > foundRank) found = [];
    foundRank = rank(name);
    found.push(candidate);
  }
  const byVerb = (wanted: string) =>
    found.findLast(({ httpVerbs }) => httpVerbs.includes(wanted));
  const decisive =
    verb === undefined ? found[0] : (byVerb(verb) ?? byVerb("*"));
  return decisive?.action ?? policy.defaultAction;
}

/** `/a/*` is one segment more, `/a/**` any rest; anything else is the path itself. */
function matches(name: string, path: string): boolean {
  if (name.endsWith("/**")) return path.startsWith(name.slice(0, -2));
  if (!name.endsWith("/*")) return name === path;
  const prefix = name.slice(0, -1);
  return path.startsWith(prefix) && !path.slice(prefix.length).includes("/");
}

/** A name without stars is more specific than one with stars; then the longer one is. */
function rank(name: string): number {
  if (name.endsWith("/**")) return 2 * (name.length - 2);
  if (name.endsWith("/*")) return 2 * (name.length - 1) + 1;
  return Infinity;
}
