// How events are divided: src/model/slot.c.
'use strict';

// 0..63.  A topic of n partitions has the event in slotOf(id) % n.
function slotOf(id) {
  let hash = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(id))
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return Number((hash ^ (hash >> 32n)) % 64n);
}

module.exports = { slotOf };
