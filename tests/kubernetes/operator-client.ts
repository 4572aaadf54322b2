/** Calls the operator as a sidecar does: verifies its certificate, and sends the pod's token with every call. */
import {
  Client,
  credentials,
  Metadata,
  type ClientReadableStream,
  type MethodDefinition,
} from "@grpc/grpc-js";
import {
  operatorMethods,
  tokenMetadataKey,
  type OperatorRequest,
  type UpdateEvent,
} from "../../runtime/proto/operator-methods.ts";

import { forward, getJson, kubectl } from "./cluster.ts";

const audience = "spiffe://cluster.local/ns/dapr-system/dapr-sentry";
const apiHost = "dapr-api.dapr-system.svc.cluster.local";

export type OperatorClient = ReturnType<typeof operatorClient>;

/** A client with the token of the pod's sidecar. */
export async function clientOf(
  namespace: string,
  pod: string,
): Promise<OperatorClient> {
  const { port, stop } = await forward("dapr-system", "dapr-api", 443);
  const bundle = getJson("-n", "dapr-system", "configmap", "dapr-trust-bundle");
  const token = kubectl([
    "-n",
    namespace,
    "create",
    "token",
    "default",
    "--bound-object-kind=Pod",
    `--bound-object-name=${pod}`,
    `--audience=${audience}`,
  ]).trim();
  const client = operatorClient(
    `127.0.0.1:${port}`,
    bundle.data["ca.crt"],
    apiHost,
    token,
  );
  return { ...client, close: () => (client.close(), stop()) };
}

/** `host` is the name that the certificate must have, whatever the address. */
export function operatorClient(
  address: string,
  root: string,
  host: string,
  token?: string,
) {
  const client = new Client(address, credentials.createSsl(Buffer.from(root)), {
    "grpc.ssl_target_name_override": host,
  });
  const metadata = new Metadata();
  if (token) metadata.set(tokenMetadataKey, `Bearer ${token}`);

  const unary = <Response>(
    method: MethodDefinition<OperatorRequest, Response>,
    request: OperatorRequest,
  ) =>
    new Promise<Response>((resolve, reject) =>
      client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        metadata,
        { deadline: Date.now() + 10_000 },
        (error, response) =>
          error ? reject(error) : resolve(response as Response),
      ),
    );
  return {
    list: async (
      method:
        | "ListComponents"
        | "ListSubscriptionsV2"
        | "ListResiliency"
        | "ListHTTPEndpoints",
      namespace: string,
    ) => {
      const { items } = await unary(operatorMethods[method], { namespace });
      return items.map((item) => JSON.parse(Buffer.from(item).toString()));
    },
    get: async (
      method: "GetConfiguration" | "GetResiliency",
      namespace: string,
      name: string,
    ) => {
      const { item } = await unary(operatorMethods[method], {
        namespace,
        name,
      });
      return JSON.parse(Buffer.from(item).toString());
    },
    /** Resolves once the operator has registered the stream. */
    follow: (
      method: "ComponentUpdate" | "ConfigurationUpdate" | "SubscriptionUpdate",
      namespace: string,
    ) => {
      const definition = operatorMethods[method];
      const stream: ClientReadableStream<UpdateEvent> =
        client.makeServerStreamRequest(
          definition.path,
          definition.requestSerialize,
          definition.responseDeserialize,
          { namespace },
          metadata,
        );
      const events: { type: number; name: string; value: unknown }[] = [];
      stream.on("data", ({ type, item }: UpdateEvent) => {
        const object = JSON.parse(Buffer.from(item).toString());
        const value = object.spec?.metadata?.[0]?.value;
        events.push({ type, name: object.metadata.name, value });
      });
      return new Promise<{ events: typeof events; stop: () => void }>(
        (resolve, reject) => {
          stream.on("error", reject);
          stream.on("metadata", () =>
            resolve({ events, stop: () => stream.cancel() }),
          );
        },
      );
    },
    close: () => client.close(),
  };
}
