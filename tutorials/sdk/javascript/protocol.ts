/** `dapr run --app-protocol grpc` says that the app is to speak gRPC; without it the SDK speaks HTTP. */
import { CommunicationProtocolEnum } from "@dapr/dapr";

export const communicationProtocol =
  process.env.APP_PROTOCOL === "grpc"
    ? CommunicationProtocolEnum.GRPC
    : CommunicationProtocolEnum.HTTP;
