"""Saves, reads and deletes an order each second, by HTTP."""

import logging
import os
import time

import requests

logging.basicConfig(level=logging.INFO)
STORE = f"http://localhost:{os.environ['DAPR_HTTP_PORT']}/v1.0/state/statestore"

for i in range(1, 101):
    order = {"orderId": str(i)}
    requests.post(STORE, json=[{"key": order["orderId"], "value": order}])
    logging.info("Saving Order: %s", order)
    saved = requests.get(f"{STORE}/{order['orderId']}")
    logging.info("Getting Order: %s", saved.json())
    requests.delete(f"{STORE}/{order['orderId']}")
    logging.info("Deleting Order: %s", order)
    time.sleep(1)
