"""Takes orders from the input binding "sample-topic" and keeps the latest in "statestore", with Dapr's SDK."""

import json
import os

from dapr.clients import DaprClient
from dapr.ext.grpc import App, BindingRequest, InvokeMethodRequest, InvokeMethodResponse

app = App()
dapr = DaprClient()  # waits for the sidecar


@app.binding("sample-topic")
def take(request: BindingRequest):
    order = request.text()
    print(f"Got a new order! Order ID: {json.loads(order)['orderId']}", flush=True)
    dapr.save_state("statestore", "order", order)  # if it raises, the order comes again
    print("Successfully persisted state.", flush=True)


@app.method("order")
def latest(request: InvokeMethodRequest):
    order = dapr.get_state("statestore", "order").data
    return InvokeMethodResponse(order, "application/json")


print("The consumer takes orders.", flush=True)
app.run(int(os.environ.get("APP_PORT", "3000")))
