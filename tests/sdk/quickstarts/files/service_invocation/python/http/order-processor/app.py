"""Answers each order with JSON, and does not say so."""

import os

from flask import Flask, request

app = Flask(__name__)


@app.post("/orders")
def orders():
    body = request.get_data(as_text=True)
    print(f"Order received : {body}", flush=True)
    return body


app.run(port=int(os.environ["APP_PORT"]))
