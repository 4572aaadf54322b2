"""The same with the reader of events that comes with the SDK. It listens as soon as it is loaded, by whatever command."""

import json
import os

from cloudevents.http import from_http
from flask import Flask, jsonify, request

app = Flask(__name__)


@app.get("/dapr/subscribe")
def subscribe():
    return jsonify(
        [{"pubsubname": "orderpubsub", "topic": "orders", "route": "orders"}]
    )


@app.post("/orders")
def orders():
    event = from_http(request.headers, request.get_data())
    print(f"Subscriber received : {event.data['orderId']}", flush=True)
    return json.dumps({"success": True})


app.run(port=int(os.environ["APP_PORT"]))
