/**
 * A sidecar that is made to call another one of its machine is "a program of
 * this machine" there, though its caller may be none. So what it sends for a
 * caller tells so, where only this machine may do what is asked.
 */

/** Is on the request of a sidecar for a caller, whatever its value. */
export const onBehalfHeader = "dapr-on-behalf";

/** Paths as servers compare them, behind whatever base. Others are left as they are: not every server need know who asks. */
const guarded = /\/v1\.0\/(?:shutdown|metadata)/;

/** Whether a request of this path has to bear the mark. */
export const isMarked = (path: string): boolean => guarded.test(path);
