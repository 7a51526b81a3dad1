// As much of Fastly's VCL as main.vcl has: read strictly, and carried out.  What is
// Fastly's own (counters, geography, digests) is given by the caller.
'use strict';

const TOKEN = new RegExp([
  /(?<blank>\s+|#[^\n]*)/, /\{(?<tag>\w*)"(?<long>[\s\S]*?)"\k<tag>\}/, /"(?<text>[^"\n]*)"/,
  /(?<number>\d+)(?<unit>ms|s|m|h|y)?(?![\w.])/, /(?<name>\.?[A-Za-z_][\w.:-]*)/,
  /(?<mark>==|!=|!~|\+=|%=|&&|\|\||<=|>=|[=~!<>(){};,:])/,
].map((part) => part.source).join('|'), 'y');

const COMPARISONS = ['==', '!=', '~', '!~', '<', '>', '<=', '>='];

function tokens(source) {
  const all = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < source.length) {
    const at = TOKEN.lastIndex;
    const found = TOKEN.exec(source)?.groups;
    if (!found) throw new Error(`cannot read: ${source.slice(at, at + 60)}`);
    if (found.blank !== undefined) continue;
    if (found.long !== undefined) all.push({ kind: 'text', text: found.long });
    else if (found.text !== undefined) {
      // In short strings %XX is a character.
      all.push({ kind: 'text', text: found.text.replace(/%([0-9a-f]{2})/gi,
        (_, hex) => String.fromCharCode(parseInt(hex, 16))) });
    } else if (found.number !== undefined) {
      all.push({ kind: 'number', number: Number(found.number), unit: found.unit });
    } else if (found.name !== undefined) all.push({ kind: 'name', text: found.name });
    else all.push({ kind: 'mark', text: found.mark });
  }
  return all;
}

class Reader {
  constructor(source) {
    this.all = tokens(source);
    this.at = 0;
  }

  get next() {
    return this.all[this.at];
  }

  is(text) {
    return this.next && this.next.kind !== 'text' && this.next.text === text;
  }

  take(text) {
    if (!this.is(text)) {
      const rest = JSON.stringify(this.all.slice(this.at, this.at + 5));
      throw new Error(`${text} is missing before ${rest}`);
    }
    this.at += 1;
  }

  maybe(text) {
    const is = this.is(text);
    if (is) this.at += 1;
    return is;
  }

  name() {
    const { kind, text } = this.next;
    if (kind !== 'name') throw new Error(`a name is missing before ${JSON.stringify(this.next)}`);
    this.at += 1;
    return text;
  }

  file() {
    const file = { sub: {}, backend: {}, director: {}, table: {}, ratecounter: {}, penaltybox: {} };
    while (this.next) {
      const kind = this.name();
      const name = this.name();
      if (!file[kind] || file[kind][name]) throw new Error(`${kind} ${name}: unknown, or twice`);
      file[kind][name] = kind === 'sub' ? this.block() : this.declaration();
    }
    return file;
  }

  // Tokens between braces; nobody runs them.
  declaration() {
    const type = this.is('{') ? undefined : this.name();
    const inside = [];
    this.take('{');
    for (let depth = 1; depth > 0; this.at += 1) {
      if (this.is('{')) depth += 1;
      if (this.is('}')) depth -= 1;
      if (depth > 0) inside.push(this.next);
    }
    return { type, inside };
  }

  block() {
    const list = [];
    this.take('{');
    while (!this.maybe('}')) list.push(this.statement());
    return list;
  }

  statement() {
    const verb = this.name();
    if (verb === 'if') return this.branch();
    const statement = { verb };
    if (verb === 'declare') {
      this.take('local');
      Object.assign(statement, { name: this.name(), type: this.name() });
    } else if (verb === 'set' || verb === 'add') {
      statement.name = this.name();
      statement.operator = this.next.text;
      this.at += 1;
      statement.value = this.expression();
    } else if (verb === 'unset' || verb === 'call') statement.name = this.name();
    else if (verb === 'error') {
      statement.status = this.next.number;
      this.at += 1;
      statement.value = this.is(';') ? undefined : this.expression();
    } else if (verb === 'return') {
      this.take('(');
      statement.name = this.name();
      this.take(')');
    } else if (verb === 'synthetic') statement.value = this.expression();
    else statement.value = this.called(verb);
    this.take(';');
    return statement;
  }

  branch() {
    this.take('(');
    const test = this.expression();
    this.take(')');
    const then = this.block();
    let otherwise = [];
    if (this.maybe('else')) otherwise = this.maybe('if') ? [this.branch()] : this.block();
    return { verb: 'if', test, then, otherwise };
  }

  chain(mark, part) {
    let left = part.call(this);
    while (this.maybe(mark)) left = { mark, left, right: part.call(this) };
    return left;
  }

  expression() {
    return this.chain('||', () => this.chain('&&', this.comparison));
  }

  comparison() {
    if (this.maybe('!')) return { mark: '!', left: this.primary() };
    const left = this.joined();
    const mark = this.next.text;
    if (this.next.kind !== 'mark' || !COMPARISONS.includes(mark)) {
      return left;
    }
    this.at += 1;
    return { mark, left, right: this.joined() };
  }

  // Strings that stand beside each other are one.
  joined() {
    const parts = [this.primary()];
    while (this.next.kind !== 'mark') parts.push(this.primary());
    return parts.length === 1 ? parts[0] : { mark: 'joined', parts };
  }

  called(name) {
    const values = [];
    this.take('(');
    while (!this.maybe(')')) {
      if (values.length > 0) this.take(',');
      values.push(this.expression());
    }
    return { mark: 'call', name, values };
  }

  primary() {
    if (this.maybe('(')) {
      const inside = this.expression();
      this.take(')');
      return inside;
    }
    const token = this.next;
    if (!token || token.kind === 'mark') throw new Error(`a value is missing: ${token?.text}`);
    this.at += 1;
    if (token.kind !== 'name') return token;
    return this.is('(') ? this.called(token.text) : token;
  }
}

class Stop {
  constructor(what) {
    Object.assign(this, what);
  }
}

class Machine {
  // values: what variables are; functions: what is called by name.
  constructor(file, values, functions) {
    Object.assign(this, { file, functions, values: { ...values } });
  }

  get(name) {
    if (/^[DF]_/.test(name)) return name; // a director, a backend
    if (name === 'true' || name === 'false') return name === 'true';
    if (name === 'req.url.path') return this.values['req.url'].split('?')[0];
    if (name.startsWith('ratecounter.')) return this.functions.bucket(name);
    const part = /^(req\.http\.Cookie):(\w+)$/i.exec(name);
    if (part) {
      return new RegExp(`(?:^|; )${part[2]}=([^;]*)`).exec(this.values['req.http.cookie'])?.[1];
    }
    const key = name.includes('.http.') ? name.toLowerCase() : name;
    return this.values[key];
  }

  text(value) {
    return value === undefined ? '' : String(value);
  }

  value(e) {
    if (e.kind === 'text') return e.text;
    if (e.kind === 'number') return e.number;
    if (e.kind === 'name') return this.get(e.text);
    if (e.mark === 'call') {
      const known = this.functions[e.name];
      if (!known) throw new Error(`no function ${e.name}`);
      return known(...e.values.map((one) => (one.kind === 'name' && !one.text.includes('.') &&
        !['true', 'false'].includes(one.text) ? one.text : this.value(one))));
    }
    if (e.mark === 'joined') return e.parts.map((part) => this.text(this.value(part))).join('');
    const left = this.value(e.left);
    if (e.mark === '!') return !left;
    if (e.mark === '&&') return Boolean(left) && Boolean(this.value(e.right));
    if (e.mark === '||') return Boolean(left) || Boolean(this.value(e.right));
    const right = this.value(e.right);
    const matches = () => new RegExp(right.replace(/^\(\?i\)/, ''),
      right.startsWith('(?i)') ? 'i' : '').test(this.text(left));
    if (e.mark === '~') return matches();
    if (e.mark === '!~') return !matches();
    if (e.mark === '==') return left === right;
    if (e.mark === '!=') return left !== right;
    return { '<': left < right, '>': left > right, '<=': left <= right,
      '>=': left >= right }[e.mark];
  }

  set(name, value) {
    const key = name.includes('.http.') ? name.toLowerCase() : name;
    if (value === undefined) delete this.values[key];
    else this.values[key] = value;
  }

  run(list) {
    for (const one of list) {
      if (one.verb === 'if') this.run(this.value(one.test) ? one.then : one.otherwise);
      else if (one.verb === 'set') {
        const value = this.value(one.value);
        const old = this.get(one.name);
        this.set(one.name, one.operator === '=' ? value
          : one.operator === '+=' ? this.text(old) + this.text(value) : old % value);
      } else if (one.verb === 'add') this.set(one.name, this.value(one.value));
      else if (one.verb === 'unset') this.set(one.name);
      else if (one.verb === 'call') this.run(this.file.sub[one.name]);
      else if (one.verb === 'error') throw new Stop({ error: one.status });
      else if (one.verb === 'return') throw new Stop({ returns: one.name });
      else if (one.verb === 'synthetic') this.values.synthetic = this.value(one.value);
      else if (one.value?.mark === 'call') this.value(one.value);
    }
  }

  // { error } or { returns }.
  sub(name) {
    try {
      this.run(this.file.sub[name]);
    } catch (stop) {
      if (stop instanceof Stop) return { ...stop };
      throw stop;
    }
    return {};
  }
}

const read = (source) => new Reader(source).file();
module.exports = { read, Machine };
