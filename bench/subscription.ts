/** YAML of a subscription to a topic of `bench`; the app takes every POST. */
export const subscription = (topic: string): string =>
  `apiVersion: dapr.io/v1alpha1
kind: Subscription
metadata:
  name: bench-orders
spec:
  pubsubname: bench
  topic: ${topic}
  route: /orders
`;
