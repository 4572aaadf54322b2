"""Publishes an order a second, by HTTP."""

import json
import logging
import os
import time

import requests

logging.basicConfig(level=logging.INFO)
TOPIC = f"http://localhost:{os.environ['DAPR_HTTP_PORT']}/v1.0/publish/orderpubsub/orders"

for i in range(1, 21):
    order = {"orderId": i}
    requests.post(TOPIC, json=order)
    logging.info("Published data: %s", json.dumps(order))
    time.sleep(1)
