/** Waits for the event loop to have read what was there. */

/** Since the last turn, and since the one before. */
let fresh: (() => void)[] = [];
let waiting: (() => void)[] = [];
let isScheduled = false;

/**
 * Calls back once a whole poll has passed: one reads no more than some pieces
 * of each connection, so what is left of one under way is not enough. One
 * immediate a turn serves all who wait: each costs as much as a turn.
 */
export function afterPoll(done: () => void): void {
  fresh.push(done);
  schedule();
}

function schedule() {
  if (isScheduled) return;
  isScheduled = true;
  setImmediate(endTurn);
}

function endTurn() {
  const ready = waiting;
  waiting = fresh;
  fresh = [];
  isScheduled = false;
  if (waiting.length > 0) schedule();
  for (const done of ready) done();
}
