import { redisSlot } from "./slot.ts";

// As CLUSTER KEYSLOT answers.
test.each([
  ["123456789", 12739],
  ["foo", 12182],
  ["{user1000}.following", 3443],
  ["user1000", 3443],
  ["foo{}{bar}", 8363],
  ["foo{{bar}}zap", 4015],
  ["", 0],
])("%s is in slot %i", (key, slot) => {
  expect(redisSlot(key)).toBe(slot);
});
