"""What second-subscriber.ts does, in Python, with nothing but its standard library: it takes messages of the topics A and C."""

import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOPICS = ["A", "C"]


class Subscriber(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections stay open

    def do_GET(self):
        if self.path != "/dapr/subscribe":
            return self.answer(404)
        self.answer(200, [{"pubsubname": "pubsub", "topic": topic, "route": topic} for topic in TOPICS])

    def do_POST(self):
        event = json.loads(self.rfile.read(int(self.headers["content-length"])))
        data = event["data"]
        text = data["message"] if isinstance(data, dict) and "message" in data else data
        print(f"{event['topic']}:  {text}", flush=True)
        self.answer(200)

    def answer(self, status, body=None):
        content = json.dumps(body).encode() if body is not None else b""
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        """Requests are not logged, only messages."""


for name in (signal.SIGINT, signal.SIGTERM):
    signal.signal(name, lambda *_: sys.exit(0))
port = int(os.environ.get("APP_PORT", "5001"))
server = ThreadingHTTPServer(("127.0.0.1", port), Subscriber)
print(f"Second App listening on port {port}!", flush=True)
server.serve_forever()
