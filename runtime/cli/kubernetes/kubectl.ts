/**
 * The user's own kubectl: it knows the cluster, the credentials and the
 * context, so the CLI need not bring a second client for the same API.
 */
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { CommandError } from "../command.ts";

export interface KubectlOptions {
  /** What it reads on stdin. */
  input?: string;
  signal?: AbortSignal;
}

let context: readonly string[] = [];

/**
 * From now on all calls go to the cluster that is the current one now, whatever a user makes the current one meanwhile.
 * Resolves with kubectl's name of it; empty if it has none, as in a pod.
 */
export async function stayInContext(): Promise<string> {
  const name = await kubectl(["config", "current-context"]).catch(
    (error: CommandError) => {
      if (error.message.includes("current-context is not set")) return "";
      throw error;
    },
  );
  context = name.trim() ? ["--context", name.trim()] : [];
  return name.trim();
}

/** The arguments of a call to that cluster. */
export const inContext = (args: readonly string[]): readonly string[] => [
  ...args,
  ...context,
];

/** Runs kubectl and resolves with its stdout. Rejects with a {@link CommandError} that quotes what it said. */
export function kubectl(
  args: readonly string[],
  { input, signal }: KubectlOptions = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn("kubectl", inContext(args), {
      stdio: ["pipe", "pipe", "pipe"],
      windowsHide: true,
      signal,
    });
    const said = Promise.all([text(child.stdout), text(child.stderr)]);
    said.catch(() => {}); // without a process there is nothing to read: its error says why
    child.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        new CommandError(
          error.code === "ENOENT"
            ? "kubectl was not found on PATH: install it (https://kubernetes.io/docs/tasks/tools/) and point it at your cluster"
            : `kubectl could not be run: ${error.message}`,
        ),
      ),
    );
    child.once("close", (code) =>
      said.then(([out, err]) => {
        if (code === 0) return resolve(out);
        const why = readable(err);
        reject(
          new CommandError(why || `kubectl ${args[0]} ended with code ${code}`),
        );
      }, reject),
    );
    child.stdin.on("error", () => {}); // it may end before it has read all; its exit code says why
    child.stdin.end(input);
  });
}

const lacksRights = "this user lacks rights in the cluster";

/** Whether the cluster answered that the user may not. */
export const isForbidden = (error: unknown): boolean =>
  error instanceof CommandError && error.message.startsWith(lacksRights);

/** What kubectl says of a failure: without its own log lines, each refusal once, and with what to do if no cluster answers. */
export function readable(stderr: string): string {
  const said = stderr
    .split("\n")
    .filter((line) => !/^[EWI]\d{4} /.test(line)) // of its libraries' log
    .join("\n")
    .replace(
      /; if you choose to ignore these errors, turn validation off.*/,
      "",
    )
    .trim();
  if (said.includes("doesn't have a resource type"))
    return `${said}: Dapr is not installed in this cluster; \`dapr init -k\` installs it`;
  const refused = said.indexOf(" is forbidden: ");
  if (refused >= 0) return `${lacksRights}: ${clauseAt(said, refused)}`;
  // kubectl's own default where it has no configuration at all
  if (said.includes("localhost:8080 was refused"))
    return "invalid configuration: no configuration has been provided, so kubectl knows no cluster: point KUBECONFIG at its file, or make a cluster (kind, minikube, k3d), which writes one";
  if (!/connect|no route to host|Unauthorized|credentials/i.test(said))
    return said;
  return `kubectl does not get through to a cluster (which one it means: \`kubectl config get-contexts\`, KUBECONFIG): ${said}`;
}

/** The part of a line around a place, without the words before the last colon in front of it. */
function clauseAt(text: string, at: number): string {
  const from = Math.max(text.lastIndexOf(":", at), text.lastIndexOf("\n", at));
  const end = text.indexOf("\n", at);
  return text.slice(from + 1, end < 0 ? undefined : end).trim();
}

/** Rejects unless a cluster answers; called before anything else is tried there. */
export const reachCluster = async (): Promise<void> =>
  void (await kubectl(["get", "--raw", "/version", "--request-timeout=10s"]));

/** Whether an object, `KIND/NAME`, is in that namespace. */
export const isThere = async (
  object: string,
  namespace: string,
): Promise<boolean> =>
  (
    await kubectl([
      "get",
      object,
      "-n",
      namespace,
      "--ignore-not-found",
      "-o",
      "name",
    ])
  ).trim() !== "";

/** What every object of the API has. */
export interface KubeObject {
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    uid?: string;
    creationTimestamp: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  spec?: Record<string, unknown>;
  status?: Record<string, unknown>;
}

/** What `kubectl -o json` printed. */
export function parseAnswer<T>(text: string): T {
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new CommandError(
      `kubectl printed something else than JSON: is \`kubectl\` on PATH the real one? It began with ${JSON.stringify(text.slice(0, 80))}`,
    );
  }
}

/** Where to look: one namespace, or all. */
export type Where = { namespace: string } | "all";

/** By labels, or by fields. */
export type Selector = string | { field: string };

/** Lists objects of a kind (`pods`, `components.dapr.io`); with a selector, only those that it picks. */
export async function listObjects<T extends KubeObject = KubeObject>(
  kind: string,
  where: Where,
  selector?: Selector,
): Promise<T[]> {
  const text = await kubectl([
    "get",
    kind,
    ...(where === "all" ? ["--all-namespaces"] : ["-n", where.namespace]),
    ...(typeof selector === "string"
      ? ["-l", selector]
      : selector
        ? ["--field-selector", selector.field]
        : []),
    "-o",
    "json",
  ]);
  return parseAnswer<{ items: T[] }>(text).items;
}
