/** How to reach a cluster's API server: the pod's service account, or a kubeconfig file. */
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { LineCounter } from "yaml";
import {
  maxSettingsBytes,
  readRegular,
  whyUnread,
} from "../../../shared/files/read-regular.ts";
import { trimEnd } from "../../../shared/trim-end.ts";
import { parseWithin } from "../../../shared/yaml-document.ts";

/** Where and how to ask. Certificates and keys are PEM. */
export interface ClusterAccess {
  /** `https://host:port`, with a path where a proxy serves it. */
  server: string;
  ca?: string;
  cert?: string;
  key?: string;
  /** The name in the server's certificate, if it is not the host's. */
  serverName?: string;
  skipVerify: boolean;
  /** The whole header value. It is read anew for each request, as a pod's token changes. */
  authorization?: () => string;
  /** The namespace of the context or of the pod. */
  namespace?: string;
}

const serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount";

type Env = Readonly<Record<string, string | undefined>>;

/** The given kubeconfig; else, in a pod, its service account; else `KUBECONFIG` or `~/.kube/config`. Throws when there is none. */
export function clusterAccess(
  kubeconfigPath: string | undefined,
  env: Env,
  accountFolder = serviceAccount,
): ClusterAccess {
  if (kubeconfigPath) return fromKubeconfig(kubeconfigPath);
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
  if (host && port && existsSync(join(accountFolder, "token")))
    return {
      server: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
      ca: readRegular(join(accountFolder, "ca.crt"), maxSettingsBytes),
      skipVerify: false,
      authorization: bearerOf(join(accountFolder, "token")),
    };
  const usual = [
    ...(env["KUBECONFIG"]?.split(delimiter) ?? []),
    join(env["HOME"] ?? homedir(), ".kube", "config"),
  ].find((file) => file !== "" && existsSync(file));
  if (!usual)
    throw new Error(
      "no Kubernetes cluster is known: this is no pod with a service account, and there is no kubeconfig; set kubeconfigPath",
    );
  return fromKubeconfig(usual);
}

const bearerOf = (file: string) => () =>
  `Bearer ${readRegular(file, maxSettingsBytes).trim()}`;

type Entry = Record<string, unknown>;

/** No message quotes the text. */
function readYaml(source: string, fail: (problem: string) => never): Entry {
  const lineCounter = new LineCounter();
  let document;
  try {
    document = parseWithin(source, { lineCounter, logLevel: "error" });
  } catch (error) {
    return fail(`it is no YAML to read: ${(error as Error).message}`);
  }
  const broken = document.errors[0];
  if (broken)
    return fail(`line ${lineCounter.linePos(broken.pos[0]).line} is no YAML`);
  return document.toJS() as Entry;
}

/** Reads the current context of a kubeconfig. No message quotes its text. */
export function fromKubeconfig(file: string): ClusterAccess {
  const fail = (problem: string): never => {
    throw new Error(`kubeconfig ${file}: ${problem}`);
  };
  let source;
  try {
    source = readRegular(file, maxSettingsBytes);
  } catch (error) {
    return fail(`it can't be read: ${whyUnread(error)}`);
  }
  const config = readYaml(source, fail);
  const pick = (list: string, kind: string, name: unknown): Entry => {
    const entries = (config?.[list] ?? []) as Entry[];
    const found = entries.find?.((entry) => entry["name"] === name);
    return (found?.[kind] ??
      fail(`it has no ${kind} "${String(name)}"`)) as Entry;
  };
  const current = config?.["current-context"];
  if (typeof current !== "string" || current === "")
    return fail("it names no current-context");
  const context = pick("contexts", "context", current);
  const cluster = pick("clusters", "cluster", context["cluster"]);
  const user = pick("users", "user", context["user"]);
  if (user["exec"] || user["auth-provider"])
    return fail(
      `user "${String(context["user"])}" logs in by a program; only tokens, client certificates and passwords can be used here`,
    );
  const folder = dirname(resolve(file));
  const server = textIn(cluster, "server");
  if (!server || !URL.canParse(server))
    return fail(`cluster "${String(context["cluster"])}" has no server URL`);
  const pem = (entry: Entry, name: string): string | undefined => {
    const data = textIn(entry, `${name}-data`);
    if (data) return Buffer.from(data, "base64").toString("utf8");
    const path = textIn(entry, name);
    if (!path) return undefined;
    try {
      return readRegular(resolve(folder, path), maxSettingsBytes);
    } catch (error) {
      return fail(`${name} can't be read: ${whyUnread(error)}`);
    }
  };
  return {
    server: trimEnd(server, "/"),
    ca: pem(cluster, "certificate-authority"),
    cert: pem(user, "client-certificate"),
    key: pem(user, "client-key"),
    serverName: textIn(cluster, "tls-server-name"),
    skipVerify: cluster["insecure-skip-tls-verify"] === true,
    authorization: login(user, folder),
    namespace: textIn(context, "namespace"),
  };
}

function login(user: Entry, folder: string): (() => string) | undefined {
  const tokenFile = textIn(user, "tokenFile");
  if (tokenFile) return bearerOf(resolve(folder, tokenFile));
  const token = textIn(user, "token");
  if (token) return () => `Bearer ${token}`;
  const name = textIn(user, "username");
  if (!name) return undefined;
  const basic = Buffer.from(`${name}:${textIn(user, "password") ?? ""}`);
  return () => `Basic ${basic.toString("base64")}`;
}

function textIn(entry: Entry, name: string): string | undefined {
  const value = entry[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}
