"""Sends an order a second to the output binding."""

import os
import time

import requests

URL = f"http://localhost:{os.environ['DAPR_HTTP_PORT']}/v1.0/bindings/sample-topic"
n = 0
while True:
    n += 1
    payload = {"data": {"orderId": n}, "operation": "create"}
    print(payload)
    answer = requests.post(URL, json=payload)
    print(f"Response for order {n}: {answer.status_code}")
    time.sleep(1)
