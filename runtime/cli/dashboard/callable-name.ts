/**
 * What a form may invoke: the ID of an app, with or without its namespace, or the name of an HTTPEndpoint, which whoever started
 * the sidecar has chosen. A URL would let a page ask any server, and other sidecars for their secrets.
 */
export const isCallableName = (name: string): boolean =>
  name !== "" && !/[/\\:%?#@]|[^ -~]/.test(name) && !/^\.+$/.test(name);
