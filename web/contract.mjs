// The HTTP interface as TypeScript: one type for each schema of
// docs/openapi.yaml, and one for the problems of each operation; for
// `import type { … } from 'contract'`.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const { parse } = createRequire(import.meta.url)('../scripts/yaml.js');

const PRIMITIVES = { string: 'string', integer: 'number', number: 'number', boolean: 'boolean',
  null: 'null' };

function comment(schema, indent) {
  const text = schema.description?.trim().replace(/\s*\n\s*/g, ' ').replaceAll('*/', '* /');
  return text ? `${indent}/** ${text} */\n` : '';
}

function members(schema, indent) {
  const inner = `${indent}  `;
  const required = schema.required ?? [];
  const lines = Object.entries(schema.properties).map(([name, property]) => {
    const optional = required.includes(name) ? '' : '?';
    return `${comment(property, inner)}${inner}${name}${optional}: ${type(property, inner)};\n`;
  });
  return `{\n${lines.join('')}${indent}}`;
}

function object(schema, indent) {
  if (schema.properties) return members(schema, indent);
  return `Record<string, ${type(schema.additionalProperties, indent)}>`;
}

function array(schema, indent) {
  const items = type(schema.items, indent);
  return / \| /.test(items) ? `(${items})[]` : `${items}[]`;
}

function type(schema, indent) {
  if (schema.$ref) return schema.$ref.replace('#/components/schemas/', '');
  if (schema.oneOf) return schema.oneOf.map((one) => type(one, indent)).join(' | ');
  if ('const' in schema) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(' | ');
  const types = [schema.type].flat().map((name) => {
    if (name === 'object') return object(schema, indent);
    if (name === 'array') return array(schema, indent);
    if (!PRIMITIVES[name]) throw new Error(`docs/openapi.yaml: no type for ${JSON.stringify(schema)}`);
    return PRIMITIVES[name];
  });
  return types.join(' | ');
}

// placeBet -> PlaceBetProblem: with the codes of this operation alone.
function problem({ operationId, 'x-refusals': codes }) {
  const name = operationId[0].toUpperCase() + operationId.slice(1);
  const union = codes.map((code) => JSON.stringify(code)).join(' | ');
  return `export type ${name}Problem = Problem & { code: ${union} };\n`;
}

export function contract(text = readFileSync(path.join(root, 'docs/openapi.yaml'), 'utf8')) {
  const document = parse(text);
  const { schemas } = document.components;
  const operations = Object.values(document.paths)
    .flatMap((item) => Object.values(item))
    .filter((operation) => operation.operationId && operation['x-refusals']);
  const declared = Object.entries(schemas).map(([name, schema]) => {
    const body = type(schema, '');
    const declaration = schema.type === 'object' && schema.properties
      ? `export interface ${name} ${body}\n` : `export type ${name} = ${body};\n`;
    return comment(schema, '') + declaration;
  });
  return [
    '// Made by web/contract.mjs from docs/openapi.yaml.\n',
    ...declared,
    operations.map(problem).join(''),
  ].join('\n');
}
