// The edge's word on where a request comes from (docs/EDGE.md, "The country").
'use strict';

const { createHmac } = require('node:crypto');

const SECRET = 'the-secret-of-the-edge-in-tests';

function sign(country, { secret = SECRET, address = '127.0.0.1', at } = {}) {
  const t = at ?? Math.floor(Date.now() / 1000);
  const sig = createHmac('sha256', secret).update(`${country}|${address}|${t}`).digest('hex');
  return { 'x-edge-country': `${country};t=${t};sig=${sig}` };
}

// A world in which each request comes from that country; null: round the edge.
// For a customer who travels: `customer.world = from(world, 'US')`.
function from(world, country, options) {
  return {
    server: {
      call: (method, path, more = {}) =>
        world.server.call(method, path, {
          ...more,
          headers: { ...(country === null ? {} : sign(country, options)), ...more.headers },
        }),
    },
  };
}

module.exports = { SECRET, sign, from };
