"""Saves, reads and deletes an order each second, by the SDK."""

import logging
import time

from dapr.clients import DaprClient

logging.basicConfig(level=logging.INFO)

with DaprClient() as client:
    for i in range(1, 101):
        order = {"orderId": str(i)}
        client.save_state("statestore", order["orderId"], str(order))
        logging.info("Saving Order: %s", order)
        saved = client.get_state("statestore", order["orderId"])
        logging.info("Getting Order: %s", saved.data.decode())
        client.delete_state("statestore", order["orderId"])
        logging.info("Deleting Order: %s", order)
        time.sleep(1)
