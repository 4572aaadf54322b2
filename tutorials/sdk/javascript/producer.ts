/** Sends one order a second to the output binding "sample-topic", with Dapr's SDK. */
import { setTimeout as sleep } from "node:timers/promises";
import { CommunicationProtocolEnum, DaprClient } from "@dapr/dapr";

const dapr = new DaprClient({
  communicationProtocol: CommunicationProtocolEnum.GRPC,
});
for (const signal of ["SIGINT", "SIGTERM"])
  process.once(signal, () => process.exit(0));

for (let orderId = 1; ;) {
  try {
    await dapr.binding.send("sample-topic", "create", { orderId });
    console.log(`Sent order ${orderId}`);
    orderId++;
  } catch (error) {
    console.log(`Order ${orderId} is sent again: ${(error as Error).message}`);
  }
  await sleep(1000);
}
