"""Calls each method of Dapr's SDK for Python once and says how it went: see ../program.ts. The app is of the SDK's own server (`grpc`), or of Flask with the SDK's extension (`flask`)."""

import asyncio
import json
import os
import queue
import sys
import threading
import traceback

import grpc
from dapr.actor import ActorId, ActorProxy
from dapr.clients import DaprClient, Job
from dapr.clients.exceptions import DaprGrpcError
from dapr.clients.grpc._crypto import EncryptOptions
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
from dapr.clients.health import DaprHealth
from dapr.conf import settings
from dapr.ext.flask import DaprApp
from dapr.ext.grpc import (
    App,
    BindingRequest,
    InvokeMethodRequest,
    InvokeMethodResponse,
    Rule,
    SubscriptionMessage,
    TopicEventResponse,
)
from dapr.ext.workflow import DaprWorkflowClient
from dapr.proto import appcallback_service_v1
from flask import Flask, Response, jsonify, request as asked
from google.protobuf import empty_pb2

KIND = sys.argv[1]
APP_ID = os.environ["APP_ID"]
STORE = "statestore"
# Ends what hangs.
LIMIT_SECONDS = 300

app = App()
web = Flask(__name__)
web_topics = DaprApp(web)
orders = queue.Queue()


@app.method("greet")
def greet(request: InvokeMethodRequest) -> InvokeMethodResponse:
    answer = {"hello": json.loads(request.text())["name"]}
    text = json.dumps(answer, separators=(",", ":"))
    return InvokeMethodResponse(text.encode(), "application/json")


@app.binding("orders")
def receive(request: BindingRequest):
    orders.put(request.text())


@web.post("/greet")
def greet_over_http():
    text = json.dumps({"hello": asked.get_json()["name"]}, separators=(",", ":"))
    return Response(text, content_type="application/json")


@web.post("/orders")
def receive_over_http():
    orders.put(asked.get_data(as_text=True))
    return jsonify()


def topic(name):
    return f"{APP_ID}-{name}"


def subscribe(name, answers=(), dead_letter_topic=None, rule=None):
    """The queue of a topic's data. `answers`: one for each event, and success after the last of them."""
    heard, left = queue.Queue(), list(answers)

    def answer_to(data):
        heard.put(data)
        return left.pop(0) if left else "success"

    if KIND == "grpc":

        def hear(event: SubscriptionMessage):
            return TopicEventResponse(answer_to(event.data()))

        if rule:
            hear.__name__ = f"rule{rule.priority}"  # which is the path
        app.subscribe("pubsub", topic(name), dead_letter_topic=dead_letter_topic, rule=rule)(hear)
    else:

        def hear():
            return jsonify(status=answer_to(asked.get_json()["data"]).upper())

        web_topics.subscribe(
            pubsub="pubsub", topic=topic(name), dead_letter_topic=dead_letter_topic
        )(hear)
    return heard


heard_orders = subscribe("orders")
heard_several = subscribe("several")
heard_again = subscribe("again", ["retry", "success"])
heard_lost = subscribe("lost", ["drop"], topic("graves"))
heard_graves = subscribe("graves")
if KIND == "grpc":
    heard_big = subscribe("routed", rule=Rule('event.type == "big"', 1))
    # This SDK names no default path beside rules.
    heard_small = subscribe("routed", rule=Rule('event.type != "big"', 2))


def serve(port):
    if KIND == "grpc":
        app.run(port)
    else:
        web.run("127.0.0.1", port)


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


def refused(call):
    try:
        call()
    except DaprGrpcError:
        return
    raise AssertionError("an old etag was taken")


@capability("state.save")
def save(dapr):
    dapr.save_state(STORE, "one", '{"n": 1}')
    got = dapr.get_state(STORE, "one")
    equal(got.data, b'{"n": 1}')
    assert got.etag, "no etag"


@capability("state.bulk")
def bulk(dapr):
    dapr.save_bulk_state(
        STORE, [StateItem(key="bulk1", value="1"), StateItem(key="bulk2", value="2")]
    )
    got = dapr.get_bulk_state(STORE, ["bulk1", "bulk2", "bulk3"], parallelism=2)
    values = {item.key: item.data for item in got.items}
    equal(values, {"bulk1": b"1", "bulk2": b"2", "bulk3": b""})


@capability("state.delete")
def delete(dapr):
    dapr.save_state(STORE, "gone", "1")
    dapr.delete_state(STORE, "gone")
    equal(dapr.get_state(STORE, "gone").data, b"")


@capability("state.etag")
def etag(dapr):
    dapr.save_state(STORE, "etag", "1")
    old = dapr.get_state(STORE, "etag").etag
    first_write = StateOptions(concurrency=Concurrency.first_write)
    dapr.save_state(STORE, "etag", "2", etag=old, options=first_write)
    refused(lambda: dapr.save_state(STORE, "etag", "3", etag=old, options=first_write))
    refused(lambda: dapr.delete_state(STORE, "etag", etag=old))
    equal(dapr.get_state(STORE, "etag").data, b"2")


@capability("state.transaction")
def transaction(dapr):
    dapr.save_state(STORE, "old", "1")
    dapr.execute_state_transaction(
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
    got = dapr.get_bulk_state(STORE, ["old", "new"])
    equal({item.key: item.data for item in got.items}, {"old": b"", "new": b"2"})


@capability("state.query")
def query(dapr):
    # A value is bytes unless this says that it can be searched.
    json_value = {"contentType": "application/json"}
    dapr.save_state(STORE, "q1", '{"city": "Rome"}', state_metadata=json_value)
    dapr.save_state(STORE, "q2", '{"city": "Oslo"}', state_metadata=json_value)
    got = dapr.query_state(STORE, '{"filter": {"EQ": {"city": "Oslo"}}}')
    equal([(one.key, one.value) for one in got.results], [("q2", b'{"city": "Oslo"}')])


@capability("bindings.output")
def output(dapr):
    name = {"fileName": "letter.txt"}
    dapr.invoke_binding("files", "create", "Dear reader,", name)
    equal(dapr.invoke_binding("files", "get", "", name).data, b"Dear reader,")


@capability("bindings.input-grpc" if KIND == "grpc" else "bindings.input-http")
def order(dapr):
    dapr.invoke_binding("orders", "create", '{"orderId":1}')
    equal(orders.get(timeout=LIMIT_SECONDS), '{"orderId":1}')


@capability("secrets.get")
def secret(dapr):
    equal(dict(dapr.get_secret("vault", "first").secret), {"first": "one"})


@capability("secrets.bulk")
def secrets(dapr):
    equal(
        {key: dict(value) for key, value in dapr.get_bulk_secret("vault").secrets.items()},
        {"first": {"first": "one"}, "second": {"second": "two"}},
    )


def call_neighbour(dapr):
    answer = dapr.invoke_method(
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
def http_app(dapr):
    """The SDK calls by HTTP unless it is told otherwise."""
    call_neighbour(dapr)
    with grpc_invoker() as other:
        call_neighbour(other)


def only_grpc(mark):
    """What needs an app that speaks gRPC."""
    return mark if KIND == "grpc" else lambda function: function


@only_grpc(capability("invocation.grpc-app"))
def grpc_app(dapr):
    def call(by):
        answer = by.invoke_method(
            APP_ID,
            "greet",
            '{"name":"Ada"}',
            content_type="application/json",
            http_verb="POST",
        )
        equal(answer.data, b'{"hello":"Ada"}')

    call(dapr)
    with grpc_invoker() as other:
        call(other)


def grpc_invoker():
    settings.DAPR_API_METHOD_INVOCATION_PROTOCOL = "grpc"
    try:
        return DaprClient()
    finally:
        settings.DAPR_API_METHOD_INVOCATION_PROTOCOL = "http"


@only_grpc(capability("invocation.proxy"))
def own_service(_dapr):
    """A service that is not the sidecar's: the metadata says whose it is."""
    with grpc.insecure_channel(f"127.0.0.1:{os.environ['DAPR_GRPC_PORT']}") as channel:
        stub = appcallback_service_v1.AppCallbackStub(channel)
        metadata = [
            ("dapr-app-id", APP_ID),
            ("dapr-api-token", os.environ["DAPR_API_TOKEN"]),
        ]
        answer = stub.ListInputBindings(empty_pb2.Empty(), metadata=metadata)
        equal(list(answer.bindings), ["orders"])


@capability("sidecar.wait")
def wait(dapr):
    dapr.wait(LIMIT_SECONDS)
    DaprHealth.wait_for_sidecar()


@capability("sidecar.metadata")
def metadata(dapr):
    got = dapr.get_metadata()
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
def set_metadata(dapr):
    dapr.set_metadata("colour", "green")
    equal(dapr.get_metadata().extended_metadata["colour"], "green")


def publish_json(dapr, name, data, metadata={}):
    dapr.publish_event(
        "pubsub",
        topic(name),
        json.dumps(data),
        publish_metadata=metadata,
        data_content_type="application/json",
    )


def heard(events):
    return events.get(timeout=LIMIT_SECONDS)


@capability("pubsub.publish")
def publish(dapr):
    publish_json(dapr, "orders", {"orderId": 1})


@capability("pubsub.subscribe-grpc" if KIND == "grpc" else "pubsub.subscribe-http")
def hear_order(_dapr):
    equal(heard(heard_orders), {"orderId": 1})


@capability("pubsub.publish-bulk")
def publish_bulk(dapr):
    numbers = [1, 2, 3]
    answer = dapr.publish_events(
        "pubsub",
        topic("several"),
        [json.dumps({"n": n}) for n in numbers],
        data_content_type="application/json",
    )
    equal(list(answer.failed_entries), [])
    equal(sorted(heard(heard_several)["n"] for _ in numbers), numbers)


@only_grpc(capability("pubsub.routes"))
def routes(dapr):
    publish_json(dapr, "routed", {"n": 1}, {"cloudevent.type": "big"})
    publish_json(dapr, "routed", {"n": 2})
    equal(heard(heard_big), {"n": 1})
    equal(heard(heard_small), {"n": 2})


@capability("pubsub.retry")
def ask_again(dapr):
    publish_json(dapr, "again", {"n": 1})
    equal([heard(heard_again), heard(heard_again)], [{"n": 1}, {"n": 1}])


@capability("pubsub.drop")
def drop(dapr):
    publish_json(dapr, "lost", {"n": 1})
    equal(heard(heard_lost), {"n": 1})
    equal(heard(heard_graves), {"n": 1})


@capability("pubsub.stream")
def stream(dapr):
    """Two that are asked for their next event, and one whose handler is called."""
    events = dapr.subscribe("pubsub", topic("stream"))
    publish_json(dapr, "stream", {"n": 1})
    first = events.next_message()
    equal((first.topic(), first.data()), (topic("stream"), {"n": 1}))
    events.respond_retry(first)
    second = events.next_message()
    equal((second.id(), second.data()), (first.id(), {"n": 1}))
    events.respond_success(second)

    graves = dapr.subscribe("pubsub", topic("stream-graves"))
    close = dapr.subscribe_with_handler(
        "pubsub",
        topic("stream-lost"),
        lambda _event: TopicEventResponse("drop"),
        dead_letter_topic=topic("stream-graves"),
    )
    publish_json(dapr, "stream-lost", {"n": 2})
    buried = graves.next_message()
    equal(buried.data(), {"n": 2})
    graves.respond_success(buried)
    # Not before: Dapr 1.14 opens no stream of another Kafka topic after the end of one.
    events.close()
    graves.close()
    close()


# What follows belongs to blocks that a sidecar may lack.


@capability("configuration.get")
def configuration(dapr):
    dapr.get_configuration("configuration", ["key"])


@capability("lock.lock")
def lock(dapr):
    dapr.try_lock("locks", "it", "me", 60)


@capability("crypto.encrypt")
def encrypt(dapr):
    options = EncryptOptions("crypto", "key", "RSA")
    dapr.encrypt("secret", options).read()


@capability("jobs.schedule")
def schedule(dapr):
    dapr.schedule_job(Job(name="job", schedule="@every 1h"))


@capability("conversation.converse")
def converse(dapr):
    message = ConversationMessage(of_user=ConversationMessageOfUser(content=[ConversationMessageContent(text="hello")]))
    dapr.converse_alpha2("llm", [ConversationInputAlpha2(messages=[message])])


@capability("actors.invoke")
def call_actor(_dapr):
    robot = ActorProxy.create("Robot", ActorId("1"))
    asyncio.run(robot.invoke_method("talk"))


@capability("workflow.start")
def start_workflow(_dapr):
    DaprWorkflowClient().schedule_new_workflow("greeting", instance_id="1")


def report(name, call):
    try:
        call()
        result = "works"
    except Exception as error:  # each call has its own line
        traceback.print_exc()
        result = str(error) or repr(error)
    print(json.dumps({"capability": name, "result": result}, separators=(",", ":")), flush=True)


def main():
    threading.Thread(target=serve, args=(int(os.environ["APP_PORT"]),), daemon=True).start()
    with DaprClient() as dapr:
        for name, call in calls.items():
            report(name, lambda: call(dapr))
        print("called", flush=True)
        sys.stdin.readline()
        report("sidecar.shutdown", dapr.shutdown)
    if KIND == "grpc":
        app.stop()


main()
