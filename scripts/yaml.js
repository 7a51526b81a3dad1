// A strict subset of YAML 1.2, enough for docs/openapi.yaml: block maps and
// sequences, one-line flow collections, plain, 'single' and "double" quoted
// scalars, `|` literals, comments on lines of their own.  What it does not
// know, or what readers could take for different things, is an error with its
// line.
'use strict';

const QUOTED = /^(?:'((?:[^']|'')*)'|("(?:[^"\\]|\\.)*"))/;
const PLAIN_KEY = /^([A-Za-z0-9_/$x][^\s:'"[\]#]*)$/;
const ENTRY = /^('(?:[^']|'')*'|[^\s'"[{#&*!|>%@`-][^'":]*?):(?: +(\S.*))?$/;

class Reader {
  constructor(text) {
    this.lines = text.split('\n').map((raw, i) => ({
      no: i + 1,
      raw,
      indent: raw.search(/\S/),
      text: raw.trim(),
    }));
    this.at = 0;
  }

  fail(message, line = this.lines[this.at] ?? this.lines.at(-1)) {
    throw new Error(`yaml line ${line.no}: ${message}: ${line.raw}`);
  }

  // The next line that says something, or undefined.
  peek() {
    while (this.at < this.lines.length) {
      const line = this.lines[this.at];
      if (line.text !== '' && !line.text.startsWith('#')) return line;
      this.at += 1;
    }
    return undefined;
  }

  block(indent) {
    return this.peek().text.startsWith('- ') ? this.sequence(indent) : this.map(indent);
  }

  sequence(indent) {
    const list = [];
    for (let line = this.peek(); line && line.indent === indent; line = this.peek()) {
      if (!line.text.startsWith('- ')) this.fail('an item was expected');
      const rest = line.text.slice(2);
      if (ENTRY.test(rest)) {
        // A map whose first entry stands beside the dash.
        Object.assign(line, { indent: indent + 2, text: rest });
        list.push(this.map(indent + 2));
      } else {
        this.at += 1;
        list.push(this.inline(rest, line));
      }
    }
    this.ended(indent);
    return list;
  }

  map(indent) {
    const map = {};
    for (let line = this.peek(); line && line.indent === indent; line = this.peek()) {
      const entry = ENTRY.exec(line.text);
      if (!entry) this.fail('`key: value` was expected');
      const key = this.key(entry[1], line);
      if (Object.hasOwn(map, key)) this.fail(`${key} twice`);
      this.at += 1;
      map[key] = this.value(entry[2], indent, line);
    }
    this.ended(indent);
    return map;
  }

  ended(indent) {
    const line = this.peek();
    if (line && line.indent > indent) this.fail('indented without a reason');
  }

  key(text, line) {
    if (text.startsWith("'")) return text.slice(1, -1).replace(/''/g, "'");
    if (!PLAIN_KEY.test(text)) this.fail(`the key ${text} must be quoted`, line);
    return text;
  }

  value(rest, indent, line) {
    if (rest === '|') return this.literal(indent, line);
    if (rest !== undefined) return this.inline(rest, line);
    const next = this.peek();
    if (!next || next.indent <= indent) this.fail('a value is missing', line);
    return this.block(next.indent);
  }

  literal(indent, line) {
    const inside = this.lines[this.at]?.indent ?? -1;
    if (inside <= indent) this.fail('a literal was expected', line);
    const texts = [];
    for (; this.at < this.lines.length; this.at += 1) {
      const { indent: its, raw } = this.lines[this.at];
      if (its !== -1 && its < inside) break;
      texts.push(raw.slice(inside));
    }
    return `${texts.join('\n').trimEnd()}\n`;
  }

  inline(text, line) {
    const flow = { text, line, inside: 0 };
    const value = this.flow(flow);
    if (flow.text !== '') this.fail(`unexpected ${flow.text}`, line);
    return value;
  }

  // A value at the front of flow.text, which is cut off.
  flow(flow) {
    const first = flow.text[0];
    if (first === '{') return this.flowMap(flow);
    if (first === '[') return this.flowList(flow);
    const quoted = QUOTED.exec(flow.text);
    if (quoted) {
      flow.text = flow.text.slice(quoted[0].length).trimStart();
      return quoted[2] ? JSON.parse(quoted[2]) : quoted[1].replace(/''/g, "'");
    }
    const plain = flow.inside > 0 ? /^[^,[\]{}]*/.exec(flow.text)[0] : flow.text;
    flow.text = flow.text.slice(plain.length);
    return this.plain(plain.trim(), flow.line);
  }

  flowMap(flow) {
    const map = {};
    this.items(flow, '}', () => {
      const match = /^('(?:[^']|'')*'|[^\s'",[\]{}:]+): +/.exec(flow.text);
      if (!match) this.fail(`a key was expected at ${flow.text}`, flow.line);
      const key = this.key(match[1], flow.line);
      if (Object.hasOwn(map, key)) this.fail(`${key} twice`, flow.line);
      flow.text = flow.text.slice(match[0].length);
      map[key] = this.flow(flow);
    });
    return map;
  }

  flowList(flow) {
    const list = [];
    this.items(flow, ']', () => list.push(this.flow(flow)));
    return list;
  }

  items(flow, close, one) {
    flow.inside += 1;
    flow.text = flow.text.slice(1).trimStart();
    while (flow.text[0] !== close) {
      one();
      if (flow.text[0] === ',') flow.text = flow.text.slice(1).trimStart();
      else if (flow.text[0] !== close) this.fail(`, or ${close} at ${flow.text}`, flow.line);
    }
    flow.text = flow.text.slice(1).trimStart();
    flow.inside -= 1;
  }

  plain(text, line) {
    if (text === 'null') return null;
    if (text === 'true' || text === 'false') return text === 'true';
    if (/^-?(0|[1-9][0-9]*)$/.test(text)) return Number(text);
    if (text === '' || /^[&*!|>%@`~?'"{}[\]#,-]/.test(text)) this.fail(`quote ${text}`, line);
    if (/: | #|:$/.test(text)) this.fail(`quote ${text}`, line);
    const otherwise = /^([-+.0-9][-+.0-9eExXoO_:]*|\d{4}-\d\d-\d\d.*|yes|no|on|off|y|n)$/i;
    if (otherwise.test(text) && !/^\d+\.\d+\.\d+$|^\d+-\d+$/.test(text))
      this.fail(`quote ${text}`, line);
    return text;
  }
}

function parse(text) {
  if (text.includes('\t')) throw new Error('yaml: a tab');
  const reader = new Reader(text);
  const first = reader.peek();
  if (!first || first.indent !== 0) throw new Error('yaml: a document was expected');
  const value = reader.block(0);
  if (reader.peek()) reader.fail('after the end');
  return value;
}

module.exports = { parse };
