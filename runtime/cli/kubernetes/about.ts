/** The commands for a cluster, as the help lists them; their code is read only when one of them runs. */
export const about = {
  init: "Install the control plane. Supported platforms: Kubernetes",
  status:
    "Show the health of the control plane. Supported platforms: Kubernetes",
  components: "List all components. Supported platforms: Kubernetes",
  configurations: "List all configurations. Supported platforms: Kubernetes",
  mtls: "Tell whether mutual TLS is on. Supported platforms: Kubernetes",
  logs: "Get the sidecar's log of an app. Supported platforms: Kubernetes",
  annotate:
    "Add dapr.io annotations to a manifest. Supported platforms: Kubernetes",
  upgrade: "Upgrade the control plane. Supported platforms: Kubernetes",
  uninstall: "Remove the control plane. Supported platforms: Kubernetes",
} as const;
