"""Subscribes to two topics."""

import json
import os

from flask import Flask, jsonify, request

app = Flask(__name__)
TOPICS = ["A", "C"]


@app.get("/dapr/subscribe")
def subscribe():
    return jsonify(
        [{"pubsubname": "pubsub", "topic": one, "route": one} for one in TOPICS]
    )


@app.post("/<topic>")
def receive(topic):
    message = request.json["data"]["message"]
    print(f'Received message "{message}" on topic "{topic}"')
    return json.dumps({"success": True})


app.run(port=int(os.environ["APP_PORT"]))
