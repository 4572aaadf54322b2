"""Publishes an order a second, by the SDK."""

import json
import logging
import time

from dapr.clients import DaprClient

logging.basicConfig(level=logging.INFO)

with DaprClient() as client:
    for i in range(1, 21):
        order = {"orderId": i}
        client.publish_event(
            pubsub_name="orderpubsub",
            topic_name="orders",
            data=json.dumps(order),
            data_content_type="application/json",
        )
        logging.info("Published data: %s", json.dumps(order))
        time.sleep(1)
