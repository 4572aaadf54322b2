"""Fetches a secret, by the SDK."""

import logging

from dapr.clients import DaprClient

logging.basicConfig(level=logging.INFO)

with DaprClient() as client:
    secret = client.get_secret(store_name="localsecretstore", key="secret")
    logging.info("Fetched Secret: %s", secret.secret)
