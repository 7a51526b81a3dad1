// Reads what Helm writes: block maps and sequences (whose dashes stand as far in
// as their key), scalars in one line or folded, literals, {} and [].  Anything
// else is an error with its line.
'use strict';

const KEY = /^("(?:[^"\\]|\\.)*"|'[^']*'|[^\s"'{[-][^:]*(?::[^\s:][^:]*)*):(?: (.*))?$/;

class Reader {
  constructor(text) {
    this.lines = text.split('\n');
    this.at = 0;
  }

  fail(why) {
    throw new Error(`yaml line ${this.at + 1}: ${why}: ${this.lines[this.at]}`);
  }

  // The next line with something on it: { indent, text }, or null.
  peek() {
    while (this.at < this.lines.length && /^\s*(#.*)?$/.test(this.lines[this.at])) this.at += 1;
    if (this.at >= this.lines.length) return null;
    const line = this.lines[this.at];
    const indent = line.search(/\S/);
    return { indent, text: line.slice(indent) };
  }

  node(indent) {
    const line = this.peek();
    return line.text === '-' || line.text.startsWith('- ') ? this.sequence(indent)
      : this.map(indent);
  }

  sequence(indent) {
    const items = [];
    for (let line = this.peek(); line && line.indent === indent && /^-( |$)/.test(line.text);
      line = this.peek()) {
      const rest = line.text.slice(2);
      if (/^("(?:[^"\\]|\\.)*"|[^\s"'{[][^:]*):( |$)/.test(rest) || rest.startsWith('- ')) {
        this.lines[this.at] = `${' '.repeat(indent + 2)}${rest}`; // its first entry stands there
        items.push(this.node(indent + 2));
      } else {
        this.at += 1;
        items.push(this.scalar(rest, indent));
      }
    }
    return items;
  }

  map(indent) {
    const map = {};
    for (let line = this.peek(); line && line.indent === indent; line = this.peek()) {
      const found = KEY.exec(line.text);
      if (!found) this.fail('a key was expected');
      const key = found[1].startsWith('"') ? JSON.parse(found[1]) : found[1].replaceAll("'", '');
      if (key in map) this.fail(`${key} is there twice`);
      this.at += 1;
      if (found[2] === undefined) {
        const below = this.peek();
        const deeper = below && (below.indent > indent ||
          (below.indent === indent && /^-( |$)/.test(below.text)));
        map[key] = deeper ? this.node(below.indent) : null;
      } else {
        map[key] = this.scalar(found[2], indent);
      }
    }
    return map;
  }

  scalar(text, indent) {
    if (/^[|>][-+]?$/.test(text)) return this.literal(text, indent);
    let whole = text;
    const isOpen = () => (whole.startsWith('"') && !/^"(?:[^"\\]|\\.)*"$/.test(whole)) ||
      (whole.startsWith("'") && !/^'(?:[^']|'')*'$/.test(whole));
    for (let line = this.peek(); line && (isOpen() || line.indent > indent); line = this.peek()) {
      whole += ` ${line.text}`;
      this.at += 1;
    }
    if (whole === '{}') return {};
    if (whole === '[]') return [];
    if (whole === 'null' || whole === '') return null;
    if (whole === 'true' || whole === 'false') return whole === 'true';
    if (whole.startsWith('"')) return JSON.parse(whole);
    if (whole.startsWith("'")) return whole.slice(1, -1).replaceAll("''", "'");
    if (/^[[{&*!|>%@`]/.test(whole)) this.fail('is not written by Helm');
    return /^-?[0-9]+([.][0-9]+)?(e[+-]?[0-9]+)?$/.test(whole) ? Number(whole) : whole;
  }

  literal(style, indent) {
    const lines = [];
    let depth = -1;
    for (; this.at < this.lines.length; this.at += 1) {
      const line = this.lines[this.at];
      const own = line.search(/\S/);
      if (own >= 0 && own <= indent) break;
      if (depth < 0 && own >= 0) depth = own;
      lines.push(line.slice(Math.max(depth, 0)));
    }
    while (lines.at(-1) === '') lines.pop();
    return lines.join('\n') + (style.endsWith('-') ? '' : '\n');
  }
}

// Every document of a text that says something.
function readAll(text) {
  return text.split(/^---$/m).map((part) => {
    const reader = new Reader(part);
    return reader.peek() ? reader.node(0) : null;
  }).filter(Boolean);
}

module.exports = { readAll };
