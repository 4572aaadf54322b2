/** Kubernetes objects, as far as the control plane reads them; all else in them passes through untouched. */

export interface ObjectMeta {
  name?: string;
  generateName?: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
  creationTimestamp?: string;
  deletionTimestamp?: string;
}

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

export interface KubernetesObject {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
}

export interface EnvVar {
  name: string;
  value?: string;
  valueFrom?: unknown;
}

export interface VolumeMount {
  name: string;
  mountPath: string;
  readOnly?: boolean;
}

export interface Container {
  name: string;
  image?: string;
  imagePullPolicy?: string;
  command?: string[];
  args?: string[];
  env?: EnvVar[];
  volumeMounts?: VolumeMount[];
  ports?: { name?: string; containerPort: number }[];
  resources?: {
    requests?: Record<string, string>;
    limits?: Record<string, string>;
  };
  securityContext?: Record<string, unknown>;
  readinessProbe?: Record<string, unknown>;
  livenessProbe?: Record<string, unknown>;
  terminationMessagePolicy?: string;
  restartPolicy?: string;
}

export interface Volume {
  name: string;
  emptyDir?: { medium?: string };
  projected?: unknown;
}

export interface Pod extends KubernetesObject {
  spec: {
    containers?: Container[];
    initContainers?: Container[];
    volumes?: Volume[];
    serviceAccountName?: string;
    /** Always, OnFailure or Never. */
    restartPolicy?: string;
  };
  status?: { phase?: string };
}

/** A Deployment or StatefulSet. */
export interface Workload extends KubernetesObject {
  spec: {
    selector?: { matchLabels?: Record<string, string> };
    template: { metadata?: ObjectMeta };
  };
  status?: { readyReplicas?: number };
}

export interface Secret extends KubernetesObject {
  /** Base64. */
  data?: Record<string, string>;
}

export interface ConfigMap extends KubernetesObject {
  data?: Record<string, string>;
}
