/** What the help's list says of the commands whose code is read only when one of them runs. */
export const about = {
  init: "Install Dapr on supported hosting platforms. Supported platforms: Kubernetes and self-hosted",
  status:
    "Show the health of the control plane. Supported platforms: Kubernetes",
  components:
    "List all components. Supported platforms: Kubernetes and self-hosted",
  configurations:
    "List all configurations. Supported platforms: Kubernetes and self-hosted",
  mtls: "Tell whether mutual TLS is on, and manage its certificates. Supported platforms: Kubernetes",
  logs: "Get the sidecar's log of an app. Supported platforms: Kubernetes and self-hosted",
  annotate:
    "Add dapr.io annotations to a manifest. Supported platforms: Kubernetes",
  upgrade: "Upgrade the control plane. Supported platforms: Kubernetes",
  uninstall:
    "Uninstall Dapr runtime. Supported platforms: Kubernetes and self-hosted",
  "build-info": "Print build info of Dapr CLI and runtime",
  completion: "Generate shell completion scripts",
  dashboard:
    "Start Dapr dashboard. Supported platforms: Kubernetes and self-hosted",
  doctor: "Find what is wrong on this machine, in the order to put it right",
  create: "Create an app pair that runs at once, from a tutorial",
} as const;
