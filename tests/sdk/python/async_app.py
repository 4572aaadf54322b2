"""Calls each method of the asyncio client of Dapr's SDK for Python once and says how it went: see ../program.ts. The app is of FastAPI, with the SDK's extension."""

import asyncio
import json
import os
import sys
import traceback

import uvicorn
from dapr.aio.clients import DaprClient
from dapr.clients import Job
from dapr.clients.exceptions import DaprGrpcError, DaprInternalError
from dapr.clients.grpc._request import (
    TransactionalStateOperation,
    TransactionOperationType,
)
from dapr.clients.grpc._state import Concurrency, StateItem, StateOptions
from dapr.clients.grpc.conversation import (
    ConversationInputAlpha2,
    ConversationMessage,
    ConversationMessageContent,
    ConversationMessageOfUser,
)
from dapr.conf import settings
from dapr.ext.fastapi import DaprApp
from fastapi import FastAPI, Request

APP_ID = os.environ["APP_ID"]
STORE = "statestore"
# Ends what hangs.
LIMIT_SECONDS = 300

app = FastAPI()
orders = asyncio.Queue()


@app.post("/greet")
async def greet(request: Request):
    return {"hello": (await request.json())["name"]}


@app.post("/orders")
async def receive(request: Request):
    await orders.put((await request.body()).decode())
    return {}


topics = DaprApp(app)


def topic(name):
    return f"{APP_ID}-{name}"


def subscribe(name, answers=(), dead_letter_topic=None):
    """The queue of a topic's data. `answers`: one for each event, and success after the last of them."""
    heard, left = asyncio.Queue(), list(answers)

    async def hear(request: Request):
        await heard.put((await request.json())["data"])
        return {"status": left.pop(0) if left else "SUCCESS"}

    topics.subscribe(pubsub="pubsub", topic=topic(name), dead_letter_topic=dead_letter_topic)(hear)
    return heard


heard_orders = subscribe("orders")
heard_several = subscribe("several")
heard_again = subscribe("again", ["RETRY", "SUCCESS"])
heard_lost = subscribe("lost", ["DROP"], topic("graves"))
heard_graves = subscribe("graves")


calls = {}


def capability(name):
    """Marks the function that tries it."""

    def mark(function):
        calls[name] = function
        return function

    return mark


def equal(got, want):
    if got != want:
        raise AssertionError(f"got {got!r}, not {want!r}")


async def refused(call):
    try:
        await call
    except (DaprGrpcError, DaprInternalError):
        return
    raise AssertionError("an old etag was taken")


@capability("state.save")
async def save(dapr):
    await dapr.save_state(STORE, "one", '{"n": 1}')
    got = await dapr.get_state(STORE, "one")
    equal(got.data, b'{"n": 1}')
    assert got.etag, "no etag"


@capability("state.bulk")
async def bulk(dapr):
    await dapr.save_bulk_state(
        STORE, [StateItem(key="bulk1", value="1"), StateItem(key="bulk2", value="2")]
    )
    got = await dapr.get_bulk_state(STORE, ["bulk1", "bulk2", "bulk3"], parallelism=2)
    values = {item.key: item.data for item in got.items}
    equal(values, {"bulk1": b"1", "bulk2": b"2", "bulk3": b""})


@capability("state.delete")
async def delete(dapr):
    await dapr.save_state(STORE, "gone", "1")
    await dapr.delete_state(STORE, "gone")
    equal((await dapr.get_state(STORE, "gone")).data, b"")


@capability("state.etag")
async def etag(dapr):
    await dapr.save_state(STORE, "etag", "1")
    old = (await dapr.get_state(STORE, "etag")).etag
    first_write = StateOptions(concurrency=Concurrency.first_write)
    await dapr.save_state(STORE, "etag", "2", etag=old, options=first_write)
    await refused(dapr.save_state(STORE, "etag", "3", etag=old, options=first_write))
    await refused(dapr.delete_state(STORE, "etag", etag=old))
    equal((await dapr.get_state(STORE, "etag")).data, b"2")


@capability("state.transaction")
async def transaction(dapr):
    await dapr.save_state(STORE, "old", "1")
    await dapr.execute_state_transaction(
        STORE,
        [
            TransactionalStateOperation(
                operation_type=TransactionOperationType.upsert, key="new", data="2"
            ),
            TransactionalStateOperation(
                operation_type=TransactionOperationType.delete, key="old"
            ),
        ],
    )
    got = await dapr.get_bulk_state(STORE, ["old", "new"])
    equal({item.key: item.data for item in got.items}, {"old": b"", "new": b"2"})


@capability("state.query")
async def query(dapr):
    # A value is bytes unless this says that it can be searched.
    json_value = {"contentType": "application/json"}
    await dapr.save_state(STORE, "q1", '{"city": "Rome"}', state_metadata=json_value)
    await dapr.save_state(STORE, "q2", '{"city": "Oslo"}', state_metadata=json_value)
    got = await dapr.query_state(STORE, '{"filter": {"EQ": {"city": "Oslo"}}}')
    equal([(one.key, one.value) for one in got.results], [("q2", b'{"city": "Oslo"}')])


@capability("bindings.output")
async def output(dapr):
    name = {"fileName": "letter.txt"}
    await dapr.invoke_binding("files", "create", "Dear reader,", name)
    answer = await dapr.invoke_binding("files", "get", "", name)
    equal(answer.data, b"Dear reader,")


@capability("bindings.input-http")
async def order(dapr):
    await dapr.invoke_binding("orders", "create", '{"orderId":1}')
    equal(await asyncio.wait_for(orders.get(), LIMIT_SECONDS), '{"orderId":1}')


@capability("secrets.get")
async def secret(dapr):
    equal(dict((await dapr.get_secret("vault", "first")).secret), {"first": "one"})


@capability("secrets.bulk")
async def secrets(dapr):
    got = (await dapr.get_bulk_secret("vault")).secrets
    equal(
        {key: dict(value) for key, value in got.items()},
        {"first": {"first": "one"}, "second": {"second": "two"}},
    )


async def call_neighbour(dapr):
    answer = await dapr.invoke_method(
        "neighbour",
        "echo",
        '{"a":1}',
        content_type="application/json",
        http_verb="PUT",
        http_querystring=(("x", "1"),),
    )
    equal(
        json.loads(answer.data),
        {"method": "PUT", "path": "/echo?x=1", "body": '{"a":1}'},
    )


@capability("invocation.http-app")
async def http_app(dapr):
    """The SDK calls by HTTP unless it is told otherwise."""
    await call_neighbour(dapr)
    settings.DAPR_API_METHOD_INVOCATION_PROTOCOL = "grpc"
    try:
        other = DaprClient()
    finally:
        settings.DAPR_API_METHOD_INVOCATION_PROTOCOL = "http"
    async with other:
        await call_neighbour(other)


@capability("sidecar.wait")
async def wait(dapr):
    await dapr.wait(LIMIT_SECONDS)


@capability("sidecar.metadata")
async def metadata(dapr):
    got = await dapr.get_metadata()
    equal(got.application_id, APP_ID)
    equal(
        {one.name: one.type for one in got.registered_components},
        {
            "files": "bindings.localstorage",
            "orders": "bindings.kafka",
            "pubsub": "pubsub.kafka",
            STORE: "state.postgresql",
            "vault": "secretstores.local.file",
        },
    )


@capability("sidecar.set-metadata")
async def set_metadata(dapr):
    await dapr.set_metadata("colour", "green")
    equal((await dapr.get_metadata()).extended_metadata["colour"], "green")


async def publish_json(dapr, name, data):
    await dapr.publish_event(
        "pubsub", topic(name), json.dumps(data), data_content_type="application/json"
    )


async def heard(events):
    return await asyncio.wait_for(events.get(), LIMIT_SECONDS)


@capability("pubsub.publish")
async def publish(dapr):
    await publish_json(dapr, "orders", {"orderId": 1})


@capability("pubsub.subscribe-http")
async def hear_order(_dapr):
    equal(await heard(heard_orders), {"orderId": 1})


@capability("pubsub.publish-bulk")
async def publish_bulk(dapr):
    numbers = [1, 2, 3]
    answer = await dapr.publish_events(
        "pubsub",
        topic("several"),
        [json.dumps({"n": n}) for n in numbers],
        data_content_type="application/json",
    )
    equal(list(answer.failed_entries), [])
    equal(sorted([(await heard(heard_several))["n"] for _ in numbers]), numbers)


@capability("pubsub.retry")
async def ask_again(dapr):
    await publish_json(dapr, "again", {"n": 1})
    equal([await heard(heard_again), await heard(heard_again)], [{"n": 1}, {"n": 1}])


@capability("pubsub.drop")
async def drop(dapr):
    await publish_json(dapr, "lost", {"n": 1})
    equal(await heard(heard_lost), {"n": 1})
    equal(await heard(heard_graves), {"n": 1})


# No "pubsub.stream": this client of the SDK does not show its API token with a stream, and the sidecar has one here.
# What follows belongs to blocks that a sidecar may lack.


@capability("configuration.get")
async def configuration(dapr):
    await dapr.get_configuration("configuration", ["key"])


@capability("lock.lock")
async def lock(dapr):
    await dapr.try_lock("locks", "it", "me", 60)


# No "crypto.encrypt": that is a stream too.


@capability("jobs.schedule")
async def schedule(dapr):
    await dapr.schedule_job(Job(name="job", schedule="@every 1h"))


@capability("conversation.converse")
async def converse(dapr):
    message = ConversationMessage(of_user=ConversationMessageOfUser(content=[ConversationMessageContent(text="hello")]))
    await dapr.converse_alpha2("llm", [ConversationInputAlpha2(messages=[message])])


async def report(name, call):
    try:
        await call
        result = "works"
    except Exception as error:  # each call has its own line
        traceback.print_exc()
        result = str(error) or repr(error)
    print(json.dumps({"capability": name, "result": result}, separators=(",", ":")), flush=True)


async def main():
    server = uvicorn.Server(
        uvicorn.Config(app, port=int(os.environ["APP_PORT"]), log_level="warning")
    )
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    async with DaprClient() as dapr:
        # Its own wait for the sidecar, which another call of it made.
        for name, call in calls.items():
            await report(name, call(dapr))
        print("called", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        await report("sidecar.shutdown", dapr.shutdown())
    server.should_exit = True
    await serving


asyncio.run(main())
