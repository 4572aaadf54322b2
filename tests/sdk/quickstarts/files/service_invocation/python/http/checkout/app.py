"""Calls the other app each second: the header says whom its sidecar shall call."""

import json
import os
import time

import requests

URL = f"http://localhost:{os.environ['DAPR_HTTP_PORT']}/orders"

for i in range(1, 21):
    answer = requests.post(
        URL,
        headers={"dapr-app-id": "order-processor", "content-type": "application/json"},
        data=json.dumps({"orderId": i}),
    )
    print(f"Order passed: {answer.text}")
    time.sleep(1)
