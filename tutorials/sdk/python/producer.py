"""Sends one order a second to the output binding "sample-topic", with Dapr's SDK."""

import itertools
import json
import time

from dapr.clients import DaprClient

with DaprClient() as dapr:  # waits for the sidecar
    for order_id in itertools.count(1):
        dapr.invoke_binding("sample-topic", "create", json.dumps({"orderId": order_id}))
        print(f"Sent order {order_id}", flush=True)
        time.sleep(1)
