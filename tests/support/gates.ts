/** Gates that handlers wait at. A test that fails leaves its own shut, and a close awaits its handlers: so `openGates` comes first in `afterEach`. */
const gates: PromiseWithResolvers<void>[] = [];

export function newGate(): PromiseWithResolvers<void> {
  const gate = Promise.withResolvers<void>();
  gates.push(gate);
  return gate;
}

export function openGates() {
  for (const gate of gates.splice(0)) gate.resolve();
}
