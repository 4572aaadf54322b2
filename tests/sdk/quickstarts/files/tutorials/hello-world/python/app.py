"""Sends an order a second to the app that the header names."""

import os
import time

import requests

URL = f"http://localhost:{os.environ['DAPR_HTTP_PORT']}/neworder"
n = 0
while True:
    n += 1
    answer = requests.post(
        URL, json={"data": {"orderId": n}}, headers={"dapr-app-id": "nodeapp"}
    )
    if not answer.ok:
        print(f"HTTP {answer.status_code} => {answer.text}")
    time.sleep(1)
