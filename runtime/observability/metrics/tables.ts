/** The names, words and labels of Dapr's metrics (`dapr/dapr:pkg/diagnostics`). */
import { Table, type Family } from "./table.ts";

/** Bytes. */
const sizes = [
  1024, 2048, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864,
  268435456, 1073741824, 4294967296,
];

export type Tables = ReturnType<typeof createTables>;

/** `latencies`: bounds of histograms of time, in milliseconds. */
export function createTables(
  latencies: readonly number[],
  countsResponses: boolean,
) {
  const timed = (families: Family[], labels: string[]) =>
    new Table(families, labels, latencies);
  /** `state` → `component_state_count`, `component_state_latencies` */
  const component = (kind: string, what: string, more: string[]) =>
    timed(
      [
        counter(`component_${kind}_count`, `The number of ${what}.`),
        histogram(
          `component_${kind}_latencies`,
          `The latency of ${what}, in milliseconds.`,
        ),
      ],
      ["component", "namespace", ...more],
    );
  return {
    httpServer: timed(
      [
        counter(
          "http_server_request_count",
          "Count of HTTP requests processed by the server.",
        ),
        ...(countsResponses
          ? [
              counter(
                "http_server_response_count",
                "The number of HTTP responses",
              ),
            ]
          : []),
        histogram(
          "http_server_latency",
          "HTTP request end-to-end latency in server.",
        ),
      ],
      ["method", "path", "status"],
    ),
    httpRequestBytes: sized(
      "http_server_request_bytes",
      "HTTP request body size if set as ContentLength (uncompressed) in server.",
    ),
    httpResponseBytes: sized(
      "http_server_response_bytes",
      "HTTP response body size (uncompressed) in server.",
    ),
    httpClient: timed(
      [
        counter("http_client_completed_count", "Count of completed requests"),
        histogram(
          "http_client_roundtrip_latency",
          "Time between first byte of request headers sent to last byte of response received, or terminal error",
        ),
      ],
      ["method", "path", "status"],
    ),
    httpSentBytes: sized(
      "http_client_sent_bytes",
      "Total bytes sent in request body (not including headers)",
      ["method", "path", "status"],
    ),
    grpcServer: timed(
      [
        counter(
          "grpc_io_server_completed_rpcs",
          "Count of RPCs by method and status.",
        ),
        histogram(
          "grpc_io_server_server_latency",
          "Time between first byte of request received to last byte of response sent, or terminal error.",
        ),
      ],
      ["grpc_server_method", "grpc_server_status"],
    ),
    grpcServerReceived: sized(
      "grpc_io_server_received_bytes_per_rpc",
      "Total bytes received across all messages per RPC.",
      ["grpc_server_method"],
    ),
    grpcServerSent: sized(
      "grpc_io_server_sent_bytes_per_rpc",
      "Total bytes sent in across all response messages per RPC.",
      ["grpc_server_method"],
    ),
    grpcClient: timed(
      [
        counter(
          "grpc_io_client_completed_rpcs",
          "Count of RPCs by method and status.",
        ),
        histogram(
          "grpc_io_client_roundtrip_latency",
          "Time between first byte of request sent to last byte of response received, or terminal error.",
        ),
      ],
      ["grpc_client_method", "grpc_client_status"],
    ),
    grpcClientSent: sized(
      "grpc_io_client_sent_bytes_per_rpc",
      "Total bytes sent across all request messages per RPC.",
      ["grpc_client_method"],
    ),
    grpcClientReceived: sized(
      "grpc_io_client_received_bytes_per_rpc",
      "Total bytes received across all response messages per RPC.",
      ["grpc_client_method"],
    ),
    state: component("state", "operations performed on the state component", [
      "operation",
      "success",
    ]),
    bindings: component(
      "output_binding",
      "operations invoked on the output binding component",
      ["operation", "success"],
    ),
    secretstores: component(
      "secret",
      "operations performed on the secret component",
      ["operation", "success"],
    ),
    inputBindings: component(
      "input_binding",
      "events received from the input binding component",
      ["success"],
    ),
    received: component(
      "pubsub_ingress",
      "incoming messages arriving from the pub/sub component",
      ["process_status", "status", "topic"],
    ),
    receivedBulks: component(
      "pubsub_ingress_bulk",
      "incoming bulk subscribe calls arriving from the bulk pub/sub component",
      ["topic"],
    ),
    receivedBulkEvents: counted(
      "component_pubsub_ingress_bulk_event_count",
      "Total number of events inside bulk messages arriving from the bulk pub/sub component.",
      ["component", "namespace", "process_status", "topic"],
    ),
    published: component(
      "pubsub_egress",
      "outbound messages to the pub/sub component",
      ["success", "topic"],
    ),
    publishedBulks: component(
      "pubsub_egress_bulk",
      "outbound bulk publish calls to the pub/sub component",
      ["success", "topic"],
    ),
    loaded: counted(
      "runtime_component_loaded",
      "The number of successfully loaded components.",
    ),
    initialized: counted(
      "runtime_component_init_total",
      "The number of initialized components.",
      ["component"],
    ),
    initFailed: counted(
      "runtime_component_init_fail_total",
      "The number of component initialization failures.",
      ["component", "componentName", "reason"],
    ),
    callsSent: counted(
      "runtime_service_invocation_req_sent_total",
      "The number of requests sent via service invocation.",
      ["dst_app_id", "type"],
    ),
    callsAnswered: counted(
      "runtime_service_invocation_res_recv_total",
      "The number of responses received via service invocation.",
      ["src_app_id", "status", "type"],
    ),
    callTimes: timed(
      [
        histogram(
          "runtime_service_invocation_res_recv_latency_ms",
          "The latency of service invocation response.",
        ),
      ],
      ["src_app_id", "status"],
    ),
    callsReceived: counted(
      "runtime_service_invocation_req_recv_total",
      "The number of requests received via service invocation.",
      ["src_app_id"],
    ),
    callsResponded: counted(
      "runtime_service_invocation_res_sent_total",
      "The number of responses sent via service invocation.",
      ["dst_app_id", "status"],
    ),
    resiliencyLoaded: counted(
      "resiliency_loaded",
      "Number of resiliency policies loaded.",
      ["name", "namespace"],
    ),
    resiliencyCalls: counted(
      "resiliency_count",
      "Number of times a resiliency policyKey has been applied to a building block.",
      ofPolicy,
    ),
    resiliencyActivations: counted(
      "resiliency_activations_total",
      "Number of times a resiliency policyKey has been activated in a building block after a failure or after a state change.",
      ofPolicy,
    ),
    breakerStates: new Table(
      [
        {
          name: "resiliency_cb_state",
          about:
            "Whether a circuit breaker is in this state: 1 for the one that it was in at its last call, 0 for the others.",
          type: "gauge",
        },
      ],
      ofPolicy,
    ),
    errors: counted(
      "error_code_total",
      "Number of times an error with a specific errorcode was encountered.",
      ["category", "error_code"],
    ),
  };
}

const ofPolicy = [
  "flow_direction",
  "name",
  "namespace",
  "policy",
  "status",
  "target",
];

const counter = (name: string, about: string): Family => ({
  name,
  about,
  type: "counter",
});

const histogram = (name: string, about: string): Family => ({
  name,
  about,
  type: "histogram",
});

const counted = (name: string, about: string, labels?: string[]) =>
  new Table([counter(name, about)], labels);

const sized = (name: string, about: string, labels?: string[]) =>
  new Table([histogram(name, about)], labels, sizes);
