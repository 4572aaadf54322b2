"""Names its subscription when it is asked, and prints the data of each event. Its answer is JSON and does not say so."""

import json
import os

from flask import Flask, jsonify, request

app = Flask(__name__)


@app.get("/dapr/subscribe")
def subscribe():
    return jsonify(
        [{"pubsubname": "orderpubsub", "topic": "orders", "route": "orders"}]
    )


@app.post("/orders")
def orders():
    print(f"Subscriber received : {request.json['data']['orderId']}", flush=True)
    return json.dumps({"success": True})


app.run(port=int(os.environ["APP_PORT"]))
