/**
 * A sidecar may be made to call another one of its machine. There it counts as a
 * program of this machine, though its caller may not be one. So requests that
 * only this machine may make bear a mark if a sidecar sends them for a caller.
 */

/** This header marks a request that a sidecar makes for a caller; its value does not matter. */
export const onBehalfHeader = "dapr-on-behalf";

/** The paths that need the mark, behind any base. Other requests have none: not every server need know who asks. */
const guarded = /\/v1\.0\/(?:shutdown|metadata)/;

/** Whether a request with this path needs the mark. */
export const isMarked = (path: string): boolean => guarded.test(path);
