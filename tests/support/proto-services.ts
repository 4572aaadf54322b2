/** Services of the .proto files in runtime/proto, read by protobufjs, for apps and clients that others' libraries make. */
import { join } from "node:path";
import type { MethodDefinition, ServiceDefinition } from "@grpc/grpc-js";
import protobuf from "protobufjs";

const folder = join(__dirname, "../../runtime/proto");

/** What of the .proto files was loaded so far. */
export const root = new protobuf.Root();
root.resolvePath = (_, target) =>
  target.startsWith("google/protobuf/") ? target : join(folder, target);

export type Message = Record<string, unknown>;

/** `dapr/proto/runtime/v1/appcallback.proto`, and in it `dapr.proto.runtime.v1.AppCallback`. */
export function serviceOf(file: string, name: string): ServiceDefinition {
  root.loadSync(file).resolveAll();
  const { methodsArray, fullName } = root.lookupService(name);
  return Object.fromEntries(
    methodsArray.map((method): [string, MethodDefinition<Message, Message>] => [
      method.name,
      {
        path: `/${fullName.slice(1)}/${method.name}`,
        requestStream: method.requestStream ?? false,
        responseStream: method.responseStream ?? false,
        ...codec("request", method.resolvedRequestType!),
        ...codec("response", method.resolvedResponseType!),
      } as MethodDefinition<Message, Message>,
    ]),
  );
}

/** Fields that were not sent have their defaults; enums are numbers. */
const codec = (direction: "request" | "response", type: protobuf.Type) => ({
  [`${direction}Serialize`]: (message: Message) =>
    Buffer.from(type.encode(type.fromObject(message)).finish()),
  [`${direction}Deserialize`]: (bytes: Buffer): Message =>
    type.toObject(type.decode(bytes), { defaults: true, longs: String }),
});
