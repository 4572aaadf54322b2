"""Fetches a secret, by HTTP."""

import logging
import os

import requests

logging.basicConfig(level=logging.INFO)
URL = f"http://localhost:{os.environ['DAPR_HTTP_PORT']}/v1.0/secrets/localsecretstore/secret"
logging.info("Fetched Secret: %s", requests.get(URL).json())
