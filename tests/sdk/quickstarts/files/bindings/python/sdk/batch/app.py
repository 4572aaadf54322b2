"""Whenever the schedule calls it, inserts the orders of a file, by the SDK."""

import json
import os

from dapr.clients import DaprClient
from flask import Flask

app = Flask(__name__)


@app.post("/cron")
def batch():
    with open("../../../orders.json", encoding="utf-8") as file:
        orders = json.load(file)["orders"]
    for order in orders:
        insert(
            "insert into orders (orderid, customer, price) values "
            f"({order['orderid']}, '{order['customer']}', {order['price']})"
        )
    print("Finished processing batch")
    return "Finished processing batch"


def insert(sql):
    print(sql, flush=True)
    with DaprClient() as client:
        client.invoke_binding(
            binding_name="sqldb",
            operation="exec",
            binding_metadata={"sql": sql},
            data="",
        )


app.run(port=int(os.environ["APP_PORT"]))
