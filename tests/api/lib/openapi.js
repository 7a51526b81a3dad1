// docs/openapi.yaml as an oracle: sends what it describes, and holds each
// answer against it - status, headers, content type, body, refusal code.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { root } = require('./store');
const { validate } = require('./schema');
const { parse } = require('../../../scripts/yaml');

const METHODS = ['get', 'put', 'post', 'delete', 'patch'];
// Of HTTP itself, of the connection, or of the load balancer before it.
const TRANSPORT = ['date', 'connection', 'keep-alive', 'transfer-encoding', 'content-type',
  'content-length', 'server'];

const document = parse(fs.readFileSync(path.join(root, 'docs/openapi.yaml'), 'utf8'));

function resolve(ref) {
  const found = ref
    .replace(/^#\//, '')
    .split('/')
    .reduce((at, name) => at?.[name], document);
  assert.ok(ref.startsWith('#/') && found !== undefined, `${ref} leads nowhere`);
  return found;
}

const ofAll = document.components['x-headers-of-all'];
const follow = (part) => (part?.$ref ? resolve(part.$ref) : part);
const problems = (schema, value) => validate(schema, value, resolve);

// { getBet: { method, path, listener, parameters, responses, … } }
function readOperations() {
  const found = {};
  for (const [route, item] of Object.entries(document.paths)) {
    const [server] = item.servers ?? document.servers;
    for (const method of METHODS.filter((name) => item[name])) {
      const operation = item[method];
      assert.ok(!found[operation.operationId], `${operation.operationId} twice`);
      found[operation.operationId] = {
        ...operation,
        method: method.toUpperCase(),
        path: route,
        listener: server.url.endsWith(':8081') ? 'operator' : 'public',
        parameters: (operation.parameters ?? []).map(follow),
      };
    }
  }
  return found;
}
const operations = readOperations();

function bodySchema(operation) {
  return operation.requestBody?.content['application/json']?.schema;
}

const example = (content) => Object.values(content.examples)[0].value;

// A request that follows the document, from its own examples.
function exampleRequest(operation) {
  const request = { params: {} };
  for (const parameter of operation.parameters) {
    if (parameter.in === 'path') request.params[parameter.name] = parameter.example ?? '1';
    if (parameter.name === 'Idempotency-Key') request.key = parameter.example;
  }
  const [type, content] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
  if (type === 'application/json') request.json = example(content);
  else if (type) Object.assign(request, { type, body: example(content) });
  return request;
}

function urlOf(operation, { params = {}, query = {} }) {
  const route = operation.path.replace(/\{(\w+)\}/, (_, name) => encodeURIComponent(params[name]));
  const search = new URLSearchParams(query).toString();
  return search ? `${route}?${search}` : route;
}

// A query's text as the parameter's type.
function typed(schema, text) {
  const { type } = { ...follow(schema), ...schema };
  return type === 'integer' && /^-?\d+$/.test(text) ? Number(text) : text;
}

// What is wrong with a request by the document; [] when it follows it.
function requestFaults(operation, request) {
  const given = (parameter) =>
    parameter.name === 'Idempotency-Key'
      ? request.key
      : { path: request.params, query: request.query, header: request.headers }[parameter.in]?.[
          parameter.name
        ];
  const faults = operation.parameters.flatMap((parameter) => {
    const value = given(parameter);
    if (value === undefined) return parameter.required ? [`${parameter.name} is missing`] : [];
    return problems(parameter.schema, typed(parameter.schema, value));
  });
  for (const name of Object.keys(request.query ?? {})) {
    if (!operation.parameters.some((p) => p.in === 'query' && p.name === name))
      faults.push(`${name} is no parameter`);
  }
  const schema = bodySchema(operation);
  return schema ? [...faults, ...problems(schema, request.json)] : faults;
}

function checkHeaders(response, answer, where) {
  const documented = new Map(
    Object.entries({ ...ofAll, ...response.headers }).map(([name, header]) => [
      name.toLowerCase(),
      follow(header),
    ]),
  );
  for (const [name, value] of Object.entries(answer.headers)) {
    if (TRANSPORT.includes(name)) continue;
    assert.ok(documented.has(name), `${where}: the header ${name} is not documented`);
    assert.deepEqual(problems(documented.get(name).schema, value), [], `${where}: ${name}`);
  }
  for (const [name, header] of documented) {
    if (header.required) assert.ok(name in answer.headers, `${where}: ${name} is missing`);
  }
}

function checkBody(response, answer, where) {
  const type = answer.headers['content-type']?.replace(/;.*/, '');
  if (!response.content) {
    assert.equal(answer.text, '', `${where}: no body is documented`);
    assert.equal(type, undefined, `${where}: no content type is documented`);
    return;
  }
  assert.ok(response.content[type], `${where}: ${type} is not documented`);
  const value = /json/.test(type) ? answer.json : answer.text;
  assert.deepEqual(problems(response.content[type].schema, value), [], `${where}: ${answer.text}`);
}

const COMMON = ['type', 'title', 'status', 'detail', 'code'];

function checkProblem(operation, { status, json }, where) {
  const rule = document.components['x-refusals'][json.code];
  assert.ok(operation['x-refusals'].includes(json.code), `${where}: ${json.code} is not listed`);
  assert.equal(json.status, status, where);
  assert.equal(rule.status, status, `${where}: ${json.code}`);
  assert.equal(json.type, `https://overround.dev/problems/${json.code}`, where);
  const members = Object.keys(json).filter((name) => !COMMON.includes(name));
  const extra = members.filter((name) => !rule.members.includes(name));
  assert.deepEqual(
    rule.members.filter((name) => !members.includes(name)),
    [],
    `${where}: members`,
  );
  assert.ok(
    extra.every((name) => rule.may?.includes(name)),
    `${where}: ${extra.join(', ')}`,
  );
}

// Holds an answer against the document.
function checkAnswer(operation, answer) {
  const where = `${operation.operationId} ${answer.status}`;
  const response = follow(operation.responses[answer.status]);
  assert.ok(response, `${where} is not documented: ${answer.text}`);
  checkHeaders(response, answer, where);
  checkBody(response, answer, where);
  if (answer.status >= 400) checkProblem(operation, answer, where);
}

// Drives operations on a world and remembers what was seen.
class Driver {
  constructor(world) {
    this.world = world;
    this.seen = new Set();
  }

  async send(id, request = {}) {
    const operation = operations[id];
    assert.ok(operation, `no operation ${id}`);
    const { server } = this.world();
    const needsOperator = operation.security.some((scheme) => scheme.operator);
    const token = needsOperator && !('token' in request) ? server.token : request.token;
    const options = { ...request, token };
    const answer =
      operation.listener === 'operator'
        ? await server.operate(operation.method, urlOf(operation, request), options)
        : await server.call(operation.method, urlOf(operation, request), options);
    checkAnswer(operation, answer);
    if (answer.status < 400) {
      assert.deepEqual(requestFaults(operation, request), [], `${id}: taken, against the document`);
    }
    this.seen.add(`${id} ${answer.status}`);
    if (answer.code) this.seen.add(answer.code);
    return answer;
  }

  // An answer that came another way.
  look(id, answer) {
    checkAnswer(operations[id], answer);
    this.seen.add(`${id} ${answer.status}`);
  }

  // The same, with what must come.
  async expect(id, want, request) {
    const answer = await this.send(id, request);
    assert.equal(answer.code ?? answer.status, want, `${id}: ${answer.text}`);
    return answer;
  }
}

module.exports = {
  document,
  operations,
  follow,
  problems,
  bodySchema,
  exampleRequest,
  requestFaults,
  Driver,
};
