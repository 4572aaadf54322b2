/** A `kind: Resiliency` with the given policies and targets, as YAML of one line each. */
export const resiliency = (
  policies: string,
  targets = "{}",
  name = "calm",
): string => `apiVersion: dapr.io/v1alpha1
kind: Resiliency
metadata:
  name: ${name}
spec:
  policies: ${policies}
  targets: ${targets}
`;
