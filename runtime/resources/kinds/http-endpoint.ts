/** `kind: HTTPEndpoint` resources (docs/protocol/invocation.md): addresses outside that are called by a name. */
import type { Position } from "../../shared/position.ts";
import type { HttpEndpoint } from "../../contracts/invocation.ts";
import type { Logger } from "../../shared/log.ts";
import { where } from "../../shared/position.ts";
import {
  fillSecrets,
  type SecretRef,
  unresolved,
  type SecretSource,
} from "../secret-refs.ts";
import { httpEndpointFields } from "../fields.ts";
import { isKind } from "../other-kinds.ts";
import { readItem } from "../metadata-item.ts";
import { tellFields } from "../unknown-fields.ts";
import {
  listAt,
  mapAt,
  member,
  textOf,
  textsOf,
  YamlError,
  type Value,
} from "../values/yaml.ts";
import { isOwn } from "../../shared/namespace.ts";

export interface HttpEndpointOptions {
  appId: string;
  env: Readonly<Record<string, string | undefined>>;
  /** The secret stores that are loaded. */
  secrets: SecretSource;
  log: Logger;
  /** The secret store of resources that name none. Its secrets come resolved, as Base64 in `value`. */
  resolvedStore?: string;
  /** Asked when a secret of an endpoint can't be read: what to use in its place, if there is something. */
  whenLacking?(name: string): HttpEndpoint | undefined;
}

/** The endpoints among the documents that concern this app, by name. Rejects on a bad URL and on two endpoints of one name. One of a wrong shape is a warning. Whoever loads the components reports documents that are no YAML. */
export async function selectHttpEndpoints(
  documents: Iterable<Value | YamlError>,
  options: HttpEndpointOptions,
): Promise<Map<string, HttpEndpoint>> {
  const endpoints = new Map<string, HttpEndpoint>();
  const places = new Map<string, Position>();
  for (const document of documents) {
    if (document instanceof YamlError || !isKind(document, "HTTPEndpoint"))
      continue;
    const wrong = misshapen(document);
    if (wrong) {
      options.log.warn(`A document was not loaded: ${wrong}`);
      continue;
    }
    if (!isForApp(document, options)) continue;
    const endpoint = await readEndpoint(document, options);
    const twin = places.get(endpoint.name);
    if (twin)
      throw new Error(
        `duplicate definition of HTTPEndpoint name ${endpoint.name} (${where(document.at)}, ${where(twin)}): rename or scope one of them`,
      );
    endpoints.set(endpoint.name, endpoint);
    places.set(endpoint.name, document.at);
  }
  return endpoints;
}

/** Where a map or list must be and something else is; the original can't read such a document. */
function misshapen(document: Value): string | undefined {
  const spec = member(document, "spec");
  try {
    mapAt(spec, "spec");
    mapAt(member(document, "auth"), "auth");
    listAt(member(document, "scopes"), "scopes");
    listAt(member(spec, "headers"), "spec.headers");
    mapAt(member(spec, "clientTLS"), "spec.clientTLS");
    return undefined;
  } catch (error) {
    const name = textOf(member(member(document, "metadata"), "name"));
    return `HTTPEndpoint "${name}": ${(error as Error).message}`;
  }
}

export function isForApp(
  document: Value,
  { appId, env }: HttpEndpointOptions,
): boolean {
  const namespace = textOf(member(member(document, "metadata"), "namespace"));
  // If a text were read as nothing, all apps could use what was meant for one.
  const scopes = textsOf(listAt(member(document, "scopes"), "scopes"));
  return (
    isOwn(namespace, env) && (scopes.length === 0 || scopes.includes(appId))
  );
}

/** Rejects on a bad URL or header. */
export async function readEndpoint(
  document: Value,
  { env, secrets, log, resolvedStore, whenLacking }: HttpEndpointOptions,
): Promise<HttpEndpoint> {
  const metadata = member(document, "metadata");
  const name = textOf(member(metadata, "name"));
  const spec = member(document, "spec");
  const base = member(spec, "baseUrl");
  const baseUrl = textOf(base);
  const owner = `HTTPEndpoint "${name}"`;
  const wrong = (problem: string, at: Position | undefined) =>
    new Error(`${owner}: ${problem} (${where(at ?? document.at)})`);
  tellFields(document, httpEndpointFields, owner, log);
  if (name === "") throw wrong("it has no metadata.name", metadata?.at);
  if (!/^https?:$/.test(URL.parse(baseUrl)?.protocol ?? ""))
    throw wrong(
      `spec.baseUrl ${JSON.stringify(baseUrl)} is not an http or https URL`,
      base?.at,
    );
  const store =
    textOf(member(member(document, "auth"), "secretStore")) || resolvedStore;
  const options = {
    env,
    log,
    areSecretsResolved: store !== undefined && store === resolvedStore,
  };
  const refs: SecretRef[] = [];
  const headers = listAt(member(spec, "headers"), "spec.headers");
  const items = (headers?.kind === "list" ? headers.items : []).map((entry) =>
    readItem(textOf(member(entry, "name")), entry, options, refs),
  );
  const tls = mapAt(member(spec, "clientTLS"), "spec.clientTLS");
  const part = (key: string) =>
    readItem(`clientTLS.${key}`, member(tls, key), options, refs);
  const rootCa = part("rootCA");
  const certificate = part("certificate");
  const privateKey = part("privateKey");
  const lacks = unresolved(refs);
  if (lacks) throw new Error(`${owner}: ${lacks}`);
  const gaps = await fillSecrets(refs, {
    owner,
    store,
    namespace: textOf(member(metadata, "namespace")),
    secrets,
    log,
  });
  const instead = gaps.length > 0 ? whenLacking?.(name) : undefined;
  if (instead) return instead;
  for (const { name: header, value, at } of items) {
    if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(header))
      throw wrong(`${JSON.stringify(header)} is no name of a header`, at);
    if (/[^\t\x20-\x7e\x80-\xff]/.test(value))
      throw wrong(`the value of header "${header}" can't be sent`, at);
  }
  return {
    name,
    baseUrl,
    headers: items.flatMap((item) => [item.name, item.value]),
    ...(tls
      ? {
          clientTls: {
            rootCa: rootCa.value || undefined,
            certificate: certificate.value || undefined,
            privateKey: privateKey.value || undefined,
          },
        }
      : {}),
  };
}
