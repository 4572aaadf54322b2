/**
 * Server reflection, by which `grpcurl` and others learn the API: the same in its
 * two versions (https://github.com/grpc/grpc/blob/master/doc/server-reflection.md).
 */
import { grpcCode } from "../../net/grpc/status.ts";
import type { ServeCall } from "../../net/grpc/server.ts";
import { encodeMessage, type Codec } from "../../proto/codec.ts";
import { files, type DescribedFile } from "../../proto/gen/descriptors.ts";
import * as v1 from "../../proto/gen/grpc/reflection/v1/reflection.ts";
import * as v1alpha from "../../proto/gen/grpc/reflection/v1alpha/reflection.ts";
import { decode, type Methods } from "./method.ts";

type Request = v1.ServerReflectionRequest;
type Response = v1.ServerReflectionResponse;
type Answer = NonNullable<Response["messageResponse"]>;

/** `services` are those that the server has. */
export const reflectionMethods = (services: readonly string[]): Methods => ({
  [`/${v1.protobufPackage}.ServerReflection/ServerReflectionInfo`]: serve(
    v1.ServerReflectionRequest,
    v1.ServerReflectionResponse,
    services,
  ),
  // Its messages have the same shapes.
  [`/${v1alpha.protobufPackage}.ServerReflection/ServerReflectionInfo`]: serve(
    v1alpha.ServerReflectionRequest,
    v1alpha.ServerReflectionResponse,
    services,
  ),
});

/** One answer for each question, in order. A caller that does not read gets none before it does. */
function serve(
  request: Codec<Request>,
  response: Codec<Response>,
  services: readonly string[],
): ServeCall {
  return (call) => {
    // What a caller has been sent need not be sent again.
    const sent = new Set<string>();
    call.endsWithServer();
    call.read({
      onMessage(bytes) {
        const asked = decode(request, bytes);
        const messageResponse = answer(asked.messageRequest, services, sent);
        const hasRoom = call.write(
          encodeMessage(response, {
            validHost: asked.host,
            originalRequest: asked,
            messageResponse,
          }),
          () => call.resume(),
        );
        if (!hasRoom) call.pause();
      },
      onEnd: () => call.end(),
    });
  };
}

function answer(
  asked: Request["messageRequest"],
  services: readonly string[],
  sent: Set<string>,
): Answer {
  switch (asked?.$case) {
    case "fileByFilename":
      return describe(byName.get(asked.value), asked.value, sent);
    case "fileContainingSymbol":
      return describe(fileOf(asked.value), asked.value, sent);
    case "listServices":
      return {
        $case: "listServicesResponse",
        value: { service: services.map((name) => ({ name })) },
      };
    case "fileContainingExtension":
      return notFound(asked.value.containingType);
    // None of the messages has extensions.
    case "allExtensionNumbersOfType":
      return notFound(asked.value);
    default:
      return refuse(grpcCode.invalidArgument, "the request asks for nothing");
  }
}

const byName = new Map(files.map((file) => [file.name, file]));

/** A field or value belongs to the message or enum whose name it has before its own. */
function fileOf(symbol: string): DescribedFile | undefined {
  const declares = (name: string) =>
    files.find(({ symbols }) => symbols.includes(name));
  return declares(symbol) ?? declares(symbol.slice(0, symbol.lastIndexOf(".")));
}

/** The file and all that it needs, as far as they were not sent before. */
function describe(
  file: DescribedFile | undefined,
  name: string,
  sent: Set<string>,
): Answer {
  if (!file) return notFound(name);
  const found = [file];
  sent.add(file.name);
  for (const { imports } of found)
    for (const one of imports)
      if (!sent.has(one)) {
        sent.add(one);
        found.push(byName.get(one)!);
      }
  return {
    $case: "fileDescriptorResponse",
    value: {
      fileDescriptorProto: found.map(({ bytes }) =>
        Buffer.from(bytes, "base64"),
      ),
    },
  };
}

const notFound = (what: string) =>
  refuse(grpcCode.notFound, `${what.slice(0, 200)} is not known`);

const refuse = (errorCode: number, errorMessage: string): Answer => ({
  $case: "errorResponse",
  value: { errorCode, errorMessage },
});
