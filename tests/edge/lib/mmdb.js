// Writes a country database (MaxMind DB 2.0) of a few networks, so that a test knows
// what country an address is of.
'use strict';

const CONTROL = { string: 2, uint16: 5, uint32: 6, map: 7, uint64: 9, array: 11 };

function head(type, size) {
  if (type < 8) return Buffer.from([(type << 5) | size]);
  return Buffer.from([size, type - 7]);
}

function number(type, value) {
  const digits = value.toString(16);
  const hex = value === 0 ? '' : digits.padStart(digits.length + (digits.length & 1), '0');
  const bytes = Buffer.from(hex, 'hex');
  return Buffer.concat([head(type, bytes.length), bytes]);
}

const text = (value) => {
  const bytes = Buffer.from(value);
  if (bytes.length < 29) return Buffer.concat([head(CONTROL.string, bytes.length), bytes]);
  return Buffer.concat([Buffer.from([(CONTROL.string << 5) | 29, bytes.length - 29]), bytes]);
};
const map = (entries) =>
  Buffer.concat([
    head(CONTROL.map, Object.keys(entries).length),
    ...Object.entries(entries).flatMap(([key, value]) => [text(key), value]),
  ]);

// "203.0.113.0/24" as bits of IPv6: IPv4 is below ::/96.
function bitsOf(network) {
  const [address, length] = network.split('/');
  if (!address.includes(':')) {
    const bits = address.split('.').map((n) => Number(n).toString(2).padStart(8, '0')).join('');
    return '0'.repeat(96) + bits.slice(0, Number(length));
  }
  const [front, back = ''] = address.split('::');
  const parts = (side) => (side === '' ? [] : side.split(':'));
  const missing = 8 - parts(front).length - parts(back).length;
  const groups = [...parts(front), ...Array(missing).fill('0'), ...parts(back)];
  const bits = groups.map((g) => parseInt(g, 16).toString(2).padStart(16, '0')).join('');
  return bits.slice(0, Number(length));
}

// mmdb({ '203.0.113.0/24': 'MT' }): the file's bytes.
function mmdb(countries) {
  const nodes = [[null, null]];
  const data = [];
  const places = new Map();
  let size = 0;
  for (const country of new Set(Object.values(countries))) {
    const record = map({ country_code: text(country) });
    places.set(country, size);
    data.push(record);
    size += record.length;
  }
  for (const [network, country] of Object.entries(countries)) {
    const bits = bitsOf(network);
    let at = 0;
    for (const bit of bits.slice(0, -1)) {
      if (nodes[at][bit] === null) nodes[at][bit] = { node: nodes.push([null, null]) - 1 };
      at = nodes[at][bit].node;
    }
    nodes[at][bits.at(-1)] = { data: places.get(country) };
  }
  const tree = Buffer.alloc(nodes.length * 6);
  nodes.forEach((sides, i) => sides.forEach((side, bit) => {
    const value = side === null ? nodes.length
      : side.node ?? nodes.length + 16 + side.data;
    tree.writeUIntBE(value, i * 6 + bit * 3, 3);
  }));
  const about = map({
    binary_format_major_version: number(CONTROL.uint16, 2),
    binary_format_minor_version: number(CONTROL.uint16, 0),
    build_epoch: number(CONTROL.uint64, 1790000000),
    database_type: text('Country'),
    description: map({ en: text('of a test') }),
    ip_version: number(CONTROL.uint16, 6),
    languages: Buffer.concat([head(CONTROL.array, 1), text('en')]),
    node_count: number(CONTROL.uint32, nodes.length),
    record_size: number(CONTROL.uint16, 24),
  });
  const mark = Buffer.concat([Buffer.from('abcdef', 'hex'), Buffer.from('MaxMind.com')]);
  return Buffer.concat([tree, Buffer.alloc(16), ...data, mark, about]);
}

module.exports = { mmdb };
