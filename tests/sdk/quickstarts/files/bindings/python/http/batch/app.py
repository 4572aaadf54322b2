"""Whenever the schedule calls it, inserts the orders of a file, by HTTP."""

import json
import os

import requests
from flask import Flask

app = Flask(__name__)
SQLDB = f"http://localhost:{os.environ['DAPR_HTTP_PORT']}/v1.0/bindings/sqldb"


@app.post("/cron")
def batch():
    with open("../../../orders.json", encoding="utf-8") as file:
        orders = json.load(file)["orders"]
    for order in orders:
        insert(
            "insert into orders (orderid, customer, price) values "
            f"({order['orderid']}, '{order['customer']}', {order['price']})"
        )
    print("Finished processing batch", flush=True)
    return "Finished processing batch"


def insert(sql):
    print(sql, flush=True)
    # A text: it goes without a content type.
    body = json.dumps({"operation": "exec", "metadata": {"sql": sql}})
    requests.post(SQLDB, body).raise_for_status()


app.run(port=int(os.environ["APP_PORT"]))
